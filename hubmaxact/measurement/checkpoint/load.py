"""Loading a checked checkpoint with transformers: safetensors only, no custom code, nothing random.

transformers only logs missing weights and fills them at random, which gives a plausible, wrong
maximum; here any missing, unexpected or misshapen weight is refused.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from transformers.utils.quantization_config import Mxfp4Config

from hubmaxact.errors import (
    DeviceError,
    IncompleteWeightsError,
    OutOfMemoryError,
    UnsafeCheckpointError,
)
from hubmaxact.measurement.checkpoint.safetensors_header import TensorEntry
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.printable import counted

DTYPES = {
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float32": torch.float32,
}
"""What a forward pass can run in."""

STORED_AS = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}
"""Weight dtypes that `--dtype auto` runs in as they are; any other runs in bfloat16."""

PLAIN = (*STORED_AS, "F64")
"""Weight dtypes that hold weights as they are."""

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

    model: transformers.PreTrainedModel
    tokenizer: transformers.PreTrainedTokenizerBase
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

    Args:
        files: What `inspect` found sound.
        dtype: Number format to run in: "bfloat16", "float16" or "float32". "auto": the one that the
            weights are stored in, bfloat16 where that is another.
        device: "cpu", "cuda", "cuda:1", "mps", ... "auto": an accelerator if there is one.
        device_map: Spreads the model over devices in the place of `device`. None: one device.
        attn_implementation: Attention kernel, by transformers' name. None: the model's default.

    Returns:
        The model, ready to run, and its tokenizer; `quantization` is None when the weights are
        stored as they are used.

    Raises:
        UnsafeCheckpointError: The architecture or quantization is not one transformers loads
            without custom code.
        IncompleteWeightsError: Weights are missing, unexpected or of another shape.
        DeviceError: There is no such device here.
        OutOfMemoryError: The weights do not fit the device.
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
        DeviceError: There is no such device here.
    """
    available = [kind for kind, is_available in ACCELERATORS.items() if is_available()]
    available.append("cpu")
    if device == "auto":
        return available[0]
    try:
        torch.empty(1, device=device).item()  # meta has no values
    except (RuntimeError, AssertionError) as error:  # a build without CUDA asserts
        raise DeviceError(
            f"device {ascii(device)[:40]} cannot be used here. Use --device "
            f"{' or '.join(available)}."
        ) from error
    return device


def _quantization(files: WeightFiles) -> str | None:
    """How the weights are quantized; None when they are stored as they are used.

    Raises:
        UnsafeCheckpointError: In a way that is not dequantized here, or that config.json denies.
    """
    declared = files.config.get("quantization_config")
    packed = files.dtype not in PLAIN
    if not declared:
        if packed:
            raise UnsafeCheckpointError(
                f"the weights are stored as {files.dtype}, and config.json does not say how they "
                "are quantized. Measure the checkpoint they were quantized from."
            )
        return None
    method = str(declared.get("quant_method")) if isinstance(declared, dict) else "unknown"
    if method not in DEQUANTIZED:
        raise UnsafeCheckpointError(
            f"the weights are quantized ({ascii(method)[:40]}), and only {', '.join(DEQUANTIZED)} "
            "is dequantized here. Measure the checkpoint it was quantized from."
        )
    if not any(entry.dtype not in PLAIN for entry in files.tensors.values()):
        raise UnsafeCheckpointError(
            f"config.json says that the weights are quantized ({method}), and none of them is. "
            "Remove quantization_config."
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
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemoryError(
            "the weights do not fit the device. Use --device-map auto, or a larger device."
        ) from error
    except Exception as error:  # a damaged configuration shows as whatever it breaks first
        raise UnsafeCheckpointError(
            f"transformers cannot build {files.folder.name} from its config.json: "
            f"{_reason(error)}. Compare it with the configuration the model was released with."
        ) from error
    _refuse_incomplete(files, info)
    return model.eval()


def _class(files: WeightFiles) -> Any:
    """The class the checkpoint names; else transformers' own choice for its model type."""
    names, model_type = files.config.get("architectures") or [], files.config.get("model_type")
    for name in names if isinstance(names, list) else []:
        found = getattr(transformers, str(name), None)
        if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel):
            return found
    if not isinstance(model_type, str) or model_type not in transformers.CONFIG_MAPPING:
        raise UnsafeCheckpointError(
            f"transformers {transformers.__version__} has no architecture {ascii(names)[:80]} of "
            f"model type {ascii(model_type)[:40]}. Upgrade transformers, or convert the checkpoint."
        )
    return transformers.AutoModelForCausalLM


def _reason(error: Exception) -> str:
    """The first line of another library's error, safe to print."""
    words = str(error).splitlines()
    return ascii(words[0] if words else type(error).__name__)[1:-1][:200]


def _refuse_incomplete(files: WeightFiles, info: dict[str, Any]) -> None:
    """No weight may be missing, unexpected or misshapen."""
    name = files.folder.name
    unexpected = {key for key in info["unexpected_keys"] if not _is_buffer(key, files.tensors)}
    info = {**info, "unexpected_keys": unexpected}
    for key, problem in (
        ("missing_keys", "missing"),
        ("mismatched_keys", "of another shape than the architecture's"),
        ("unexpected_keys", "unknown to the architecture"),
        ("error_msgs", "in error"),
    ):
        if info[key]:
            weights = counted(len(info[key]), f"weight of {name} is", f"weights of {name} are")
            raise IncompleteWeightsError(
                f"{weights} {problem} ({_some(info[key])}). "
                "Check config.json against the weights, or save the checkpoint again."
            )


def _is_buffer(key: str, tensors: Mapping[str, TensorEntry]) -> bool:
    """Whether it is what older releases of transformers stored beside the weights: a causal mask,
    the value it is filled with, or the frequencies of rotary positions.
    """
    shape = tensors[key].shape if key in tensors else None
    mask = shape is not None and len(shape) == 4 and shape[:2] == (1, 1) and shape[2] == shape[3]
    filled = key.endswith(".masked_bias") and shape in ((), (1,))
    return mask or filled or key.endswith(".inv_freq")


def _some(keys: Iterable[Any]) -> str:
    names = sorted(ascii(key if isinstance(key, str) else key[0])[1:-1][:100] for key in keys)
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _tokenizer(files: WeightFiles) -> transformers.PreTrainedTokenizerBase:
    try:
        return transformers.AutoTokenizer.from_pretrained(
            str(files.folder), trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # tokenizers raises Exception itself, transformers KeyError and more
        raise UnsafeCheckpointError(
            f"the tokenizer of {files.folder.name} cannot be loaded: {_reason(error)}. "
            "Put the checkpoint's own tokenizer files beside the weights."
        ) from error
