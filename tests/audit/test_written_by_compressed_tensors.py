"""Checkpoints that compressed-tensors itself calibrates, compresses and saves, audited whole.

Its own arithmetic makes the scales out of the maxima of plain hooks; its own code writes the files.
"""

from contextlib import contextmanager

import pytest
from audit.measured import TEXTS
from audit.written_scales import our_cache, ours, same, written
from command import DENSE
from quantizers import quantizer

from hubmaxact.engine_files.request import Choices
from hubmaxact.shipped_scales.audit import audit

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.filterwarnings("ignore"),
]


def arguments(bits, kind, **more):
    usual = {"num_bits": bits, "type": kind, "symmetric": True, "strategy": "tensor"}
    return {**usual, "dynamic": False, "observer": "static_minmax", **more}


# Format -> our names of inputs and cache in it; weights, inputs, cache.
SCHEMES = {
    "float-quantized": (
        ("FP8 E4M3", "FP8 E4M3"),
        arguments(8, "float"),
        arguments(8, "float"),
        arguments(8, "float"),
    ),
    "int-quantized": (
        ("INT8 (127.5)", "INT8 (127.5)"),
        arguments(8, "int"),
        arguments(8, "int"),
        arguments(8, "int"),
    ),
    "nvfp4-pack-quantized": (
        ("NVFP4 (divisor)", "FP8 E4M3"),
        arguments(4, "float", strategy="tensor_group", group_size=16),
        arguments(4, "float", strategy="tensor_group", group_size=16, dynamic="local"),
        arguments(8, "float"),
    ),
}
NUMBER_FORMATS = {
    "float-quantized": "fp8",
    "int-quantized": "int8",
    "nvfp4-pack-quantized": "nvfp4",
}
BF16 = 2.0**-7
"""It takes maxima in bf16, and a reciprocal besides."""


@pytest.fixture(scope="module")
def torch():
    """Both libraries; only the one that calibrates may be absent."""
    quantizer("compressed_tensors")
    import torch

    return torch


@contextmanager
def maxima_of(torch, model):
    """The largest |x| that each linear map reads, and that the cache receives, by plain hooks."""
    found, handles = {}, []

    def linear(name):
        def hook(_, args):
            found[name] = max(found.get(name, 0.0), args[0].abs().max().item())

        return hook

    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            handles.append(module.register_forward_pre_hook(linear(name)))
    yield found
    for handle in handles:
        handle.remove()


@pytest.fixture(scope="module")
def calibrated(torch):
    """Maxima of linear inputs, keys and values over the texts, one by one."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

    model = AutoModelForCausalLM.from_pretrained(DENSE, dtype=torch.bfloat16)
    tokenizer = AutoTokenizer.from_pretrained(DENSE)
    cached = {}
    with maxima_of(torch, model) as found, torch.inference_mode():
        for text in TEXTS:
            cache = DynamicCache(config=model.config)
            model(**tokenizer(text, return_tensors="pt"), past_key_values=cache)
            for layer, kept in enumerate(cache.layers):
                for kind, tensor in (("k", kept.keys), ("v", kept.values)):
                    key = f"model.layers.{layer}.self_attn", kind
                    cached[key] = max(cached.get(key, 0.0), tensor.abs().max().item())
    return found, cached


def scale_of(abs_max, scheme):
    """What compressed-tensors stores for a largest |x|."""
    import torch
    from compressed_tensors.quantization import QuantizationArgs
    from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam

    largest = torch.tensor([abs_max], dtype=torch.bfloat16)
    args = QuantizationArgs.model_validate(scheme)
    if scheme["num_bits"] == 4:
        return generate_gparam(-largest, largest)
    return calculate_qparams(-largest, largest, args)[0]


def save(folder, form, calibrated):
    """Quantize the model as llm-compressor does, with given maxima."""
    import torch
    from compressed_tensors.compressors import ModelCompressor
    from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config
    from transformers import AutoModelForCausalLM

    _, weights, inputs, cache = SCHEMES[form]
    group = {"targets": ["Linear"], "weights": weights, "input_activations": inputs}
    config = QuantizationConfig.model_validate(
        {
            "format": form,
            "config_groups": {"group_0": {**group, "format": form}},
            "kv_cache_scheme": cache,
            "ignore": ["lm_head"],
        }
    )
    model = AutoModelForCausalLM.from_pretrained(DENSE, dtype=torch.bfloat16)
    apply_quantization_config(model, config)
    maxima, cached = calibrated
    for name, module in model.named_modules():
        if hasattr(module, "quantization_scheme") and hasattr(module, "weight"):
            _calibrate(module, maxima[name], weights, inputs)
    for (name, kind), abs_max in cached.items():
        attention = model.get_submodule(name)
        getattr(attention, f"{kind}_scale").data.fill_(scale_of(abs_max, cache).item())
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    model.save_pretrained(folder)
    compressor.update_config(folder)
    return folder


def _calibrate(module, abs_max, weights, inputs):
    """Scales of one map's weight and input."""
    name = "input_global_scale" if inputs["num_bits"] == 4 else "input_scale"
    getattr(module, name).data.fill_(scale_of(abs_max, inputs).item())
    module.weight_scale.data.fill_(0.01)
    if inputs["num_bits"] == 4:
        module.weight_global_scale.data.fill_(1.0)


@pytest.mark.parametrize("form", SCHEMES)
def test_what_it_calibrated_matches_what_was_measured(tmp_path, measured, calibrated, form):
    found = audit(measured, save(tmp_path, form, calibrated))
    told = [(row.module, row.kind, row.verdict, row.ratio) for row in found.rows]
    assert {row.verdict for row in found.rows} == {"matches"}, told
    conventions = {row.kind: row.convention for row in found.rows}
    inputs, cache = SCHEMES[form][0]
    assert conventions == {"input": inputs, "key": cache, "value": cache}
    num_maps = sum(len(row["modules"]) for row in measured["linear_inputs"])
    assert len(found.rows) == num_maps + 2 * len(measured["kv"])


@pytest.mark.parametrize("form", SCHEMES)
def test_what_it_wrote_is_what_is_exported(tmp_path, measured, calibrated, form):
    """Names, shapes and numbers: a scale of ours takes the place of one of its own."""
    folder = save(tmp_path, form, calibrated)
    choices = Choices(convention="compressed-tensors", number_format=NUMBER_FORMATS[form])
    assert same(written(folder, "input"), ours(measured, choices), BF16)
    if SCHEMES[form][3]["type"] == "float":
        assert same(written(folder, "key", "value"), our_cache(measured), BF16)
