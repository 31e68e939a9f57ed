"""Reports of checkpoints as they are shipped, for tests, by arithmetic alone."""

import copy
import hashlib

from example_reports import small_report

COMMIT = hashlib.sha1(b"base").hexdigest()

QUANTIZED = {
    "weights_quantization": "compressed-tensors",
    "weights_dtype": "f8_e4m3",
    "dequantized": True,
    "dequantized_by": "hubmaxact",
    "stored_weights": [
        {"storage": "scaled", "weights": 10},
        {"storage": "nvfp4_divisor", "weights": 4},
    ],
    "activation_scales": [{"name": "input_global_scale", "tensors": 4}],
    "left_aside": [
        {
            "what": "multi_token_prediction",
            "tensors": 12,
            "places": ["model.layers.2"],
        }
    ],
}
SIMULATED = [
    {"format": "float8_e4m3fn", "granularity": "block_128", "policy": "dynamic", "maps": 10},
    {"format": "nvfp4", "granularity": "block_16", "policy": "stored", "maps": 4},
]


def changed(model=None, protocol=None):
    """The smallest report with more in two of its blocks, keys in the schema's order."""
    report = copy.deepcopy(small_report())
    report["schema_version"] = "0.2"
    report["model"] = {**report["model"], **(model or {})}
    last = {name: report["model"].pop(name) for name in ("remote_code", "remote_code_files")
            if name in report["model"]}  # fmt: skip
    report["model"].update(last)
    report["protocol"].update(protocol or {})
    return report


def quantized_report():
    """Expanded from two ways of storing weights, and run as served, simulated."""
    return changed(QUANTIZED, {"simulated_activations": SIMULATED})


def adapter_report():
    """An adapter merged into a model of the Hub."""
    files = [{"path": "model.safetensors", "size": 9_000_000_000, "sha256": "0" * 64}]
    own = [{"path": "adapter_model.safetensors", "size": 40_000_000, "sha256": "1" * 64}]
    base = {"id": "org/base", "revision": "main", "commit": COMMIT, "weight_files": files}
    return changed({"weight_files": own, "adapter_base": base})


def encoder_report():
    """An encoder."""
    return changed({"bidirectional": True})


def own_code_report():
    """A checkpoint whose own code was run."""
    files = [{"path": "modeling_own.py", "size": 9000, "sha256": "2" * 64}]
    return changed({"remote_code": True, "remote_code_files": files})


SHIPPED = {
    "quantized": quantized_report,
    "adapter": adapter_report,
    "encoder": encoder_report,
    "own_code": own_code_report,
}
"""One of each kind."""
