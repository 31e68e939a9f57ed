"""Every format that a report can be exported to: adding one is a row here and a module."""

from collections.abc import Callable
from dataclasses import dataclass

from hubmaxact.engine_files import (
    compressed_tensors_kv,
    ignore_list,
    imatrix,
    input_scales,
    onnxruntime_genai_kv,
    openvino,
    sglang_kv_json,
    smoothquant,
)
from hubmaxact.engine_files.request import CheckpointChange, Choices, FileContent, Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One kind of export.

    Attributes:
        name: As `--to` takes it.
        what: What it is, and who takes it.
        choices: What may be chosen, by the names that `Choices` has.
        has_names: Whether it is a file that has names of modules as a checkpoint has them.
        make: From a report to what is to be written.
    """

    name: str
    what: str
    choices: tuple[str, ...] = ()
    has_names: bool = False
    make: Callable[[Measured, Choices], FileContent | CheckpointChange]


ROWS = (
    Format(
        name="compressed-tensors-kv",
        what="a checkpoint whose FP8 cache has scales: vLLM, SGLang, transformers",
        choices=("granularity",),
        make=compressed_tensors_kv.make,
    ),
    Format(
        name="ignore-list",
        what="modules to leave wide: compressed-tensors, Model-Optimizer, transformers, torchao",
        choices=("below_db", "rounding"),
        has_names=True,
        make=ignore_list.make,
    ),
    Format(
        name="sglang-kv-json",
        what="SGLang's --quantization-param-path (experimental)",
        choices=("tensor_parallel",),
        make=sglang_kv_json.make,
    ),
    Format(
        name="onnxruntime-genai-kv",
        what="ONNX Runtime GenAI's kv_cache_scale_file",
        choices=("cache_type", "granularity"),
        make=onnxruntime_genai_kv.make,
    ),
    Format(
        name="input-scales",
        what="static input scales, a sidecar to merge into quantized weights",
        choices=("convention", "number_format"),
        has_names=True,
        make=input_scales.make,
    ),
    Format(
        name="openvino",
        what="OpenVINO's ACTIVATIONS_SCALE_FACTOR for float16",
        make=openvino.make,
    ),
    Format(
        name="smoothquant",
        what="SmoothQuant's act_scales, a file of torch.save",
        make=smoothquant.make,
    ),
    Format(
        name="imatrix",
        what="llama.cpp's importance matrix: llama-quantize --imatrix",
        make=imatrix.make,
    ),
)

FORMATS = {row.name: row for row in ROWS}
"""Every format by its name."""
