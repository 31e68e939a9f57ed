"""Loading a checked checkpoint with transformers: safetensors only, no custom code, nothing random.

transformers only logs missing weights and fills them at random, which gives a plausible, wrong
maximum; here any missing, unexpected or misshapen weight is refused.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from transformers.utils.quantization_config import Mxfp4Config

from hubmaxact.checkpoint.inspect import WeightFiles
from hubmaxact.errors import (
    DeviceError,
    IncompleteWeightsError,
    OutOfMemoryError,
    UnsafeCheckpointError,
)

DTYPES = {
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float32": torch.float32,
}
"""What a forward pass can run in."""

STORED_AS = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}
"""Weight dtypes that `--dtype auto` runs in as they are; any other runs in bfloat16."""

ACCELERATORS: dict[str, Callable[[], bool]] = {
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
    "xpu": torch.xpu.is_available,
}
"""What `--device auto` prefers to the CPU, in this order."""

DEQUANTIZED: dict[str, Callable[[], Any]] = {"mxfp4": lambda: Mxfp4Config(dequantize=True)}
"""Quantized checkpoints that are measured after dequantization."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to run, and its own tokenizer."""

    model: Any
    tokenizer: Any
    dtype: str
    quantization: str | None
    dequantized: bool


def load(
    files: WeightFiles,
    *,
    dtype: str = "auto",
    device: str = "auto",
    device_map: str | None = None,
    attn_implementation: str | None = None,
) -> Loaded:
    """Load model and tokenizer from a checked folder.

    Raises:
        UnsafeCheckpointError: the architecture or quantization is not one transformers loads
            without custom code.
        IncompleteWeightsError: weights are missing, unexpected or of another shape.
        DeviceError: there is no such device here.
        OutOfMemoryError: the weights do not fit the device.
    """
    # What transformers would say of its own accord is checked and said here, in one sentence.
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    quantization = _quantization(files)
    name = STORED_AS.get(files.dtype, "bfloat16") if dtype == "auto" else dtype
    options: dict[str, Any] = {"dtype": DTYPES[name], "device_map": device_map or _device(device)}
    if attn_implementation is not None:
        options["attn_implementation"] = attn_implementation
    if quantization is not None:
        options["quantization_config"] = DEQUANTIZED[quantization]()
    model = _model(files, options)
    tokenizer = _tokenizer(files)
    return Loaded(model, tokenizer, name, quantization, quantization is not None)


def _device(device: str) -> str:
    """The device asked for, or the best one there is.

    Raises:
        DeviceError: there is no such device here.
    """
    available = [kind for kind, is_available in ACCELERATORS.items() if is_available()]
    available.append("cpu")
    if device == "auto":
        return available[0]
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # a build without CUDA asserts
        raise DeviceError(
            f"device {ascii(device)[:40]} cannot be used here. Use --device "
            f"{' or '.join(available)}."
        ) from error
    return device


def _quantization(files: WeightFiles) -> str | None:
    declared = files.config.get("quantization_config")
    if not declared:
        return None
    method = str(declared.get("quant_method")) if isinstance(declared, dict) else "unknown"
    if method not in DEQUANTIZED:
        raise UnsafeCheckpointError(
            f"the weights are quantized ({ascii(method)[:40]}), and only {', '.join(DEQUANTIZED)} "
            "is dequantized here. Measure the checkpoint it was quantized from."
        )
    return method


def _model(files: WeightFiles, options: dict[str, Any]) -> Any:
    try:
        model, info = _class(files).from_pretrained(
            str(files.folder),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            # Refused below with the names, where transformers would only raise.
            ignore_mismatched_sizes=True,
            **options,
        )
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(
            "the weights do not fit the device. Use --device-map auto, or a larger device."
        ) from error
    _refuse_incomplete(files.folder.name, info)
    return model.eval()


def _class(files: WeightFiles) -> Any:
    """The class the checkpoint names; else transformers' own choice for its model type."""
    names = files.config.get("architectures") or []
    for name in names:
        found = getattr(transformers, str(name), None)
        if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel):
            return found
    model_type = files.config.get("model_type")
    if model_type not in transformers.CONFIG_MAPPING:
        raise UnsafeCheckpointError(
            f"transformers {transformers.__version__} has no architecture {ascii(names)[:80]} of "
            f"model type {ascii(model_type)[:40]}. Upgrade transformers, or convert the checkpoint."
        )
    return transformers.AutoModelForCausalLM


def _refuse_incomplete(name: str, info: dict[str, Any]) -> None:
    """No weight may be missing, unexpected or misshapen."""
    for key, problem in (
        ("missing_keys", "missing"),
        ("mismatched_keys", "of another shape than the architecture's"),
        ("unexpected_keys", "unknown to the architecture"),
        ("error_msgs", "in error"),
    ):
        if info[key]:
            raise IncompleteWeightsError(
                f"{len(info[key])} weights of {name} are {problem} ({_some(info[key])}). "
                "Check config.json against the weights, or save the checkpoint again."
            )


def _some(keys: Iterable[Any]) -> str:
    names = sorted(ascii(key if isinstance(key, str) else key[0])[1:-1][:100] for key in keys)
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _tokenizer(files: WeightFiles) -> Any:
    try:
        return transformers.AutoTokenizer.from_pretrained(
            str(files.folder), trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # tokenizers raises Exception itself, transformers KeyError and more
        reason = ascii(str(error).splitlines()[0] if str(error) else "no reason given")[1:-1][:200]
        raise UnsafeCheckpointError(
            f"the tokenizer of {files.folder.name} cannot be loaded: {reason}. "
            "Put the checkpoint's own tokenizer files beside the weights."
        ) from error
