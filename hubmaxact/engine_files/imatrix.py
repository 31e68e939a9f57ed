"""llama.cpp's importance matrix: the mean square of every channel that a linear map reads.

`llama-quantize --imatrix` divides `in_sum2` by `counts`, both of which stand in the file for each
weight by its GGUF name.
"""

from collections.abc import Iterable, Mapping, Sequence

from hubmaxact.engine_files.expert_modules import experts_of, fused, num_experts
from hubmaxact.engine_files.gguf_bytes import GgufTensor, Value, encoded
from hubmaxact.engine_files.gguf_names import gguf_name, refuse_unknown
from hubmaxact.engine_files.measured_maxima import linear_inputs
from hubmaxact.engine_files.request import (
    Choices,
    FileContent,
    Measured,
    NotExportableError,
)
from hubmaxact.engine_files.scale_conventions import LARGEST_FLOAT32
from hubmaxact.printable import counted, printable
from hubmaxact.report.deployment import LinearInput
from hubmaxact.report.document import Report
from hubmaxact.sidecars.channels import Channels
from hubmaxact.sidecars.expert_channels import ExpertChannels

COUNTS = ".counts"

NOT_MEASURED = (
    "left out: what each of them read is not in an experts.safetensors that the report names. The "
    "report may be older than such files, the file have needed more than 1 GiB, or a sum not be "
    "known. llama-quantize takes their weights as equally important, or stops where a format "
    "needs more."
)
NOT_REACHED = (
    "to which no calibration text was routed: llama-quantize takes their weights as equally "
    "important. Measure with more --calibration-samples."
)


def make(measured: Measured, choices: Choices) -> FileContent:  # noqa: ARG001 it has none
    """Return the file.

    Args:
        measured: A report of profile deployment, with what lies beside it.
        choices: None are taken.

    Returns:
        GGUF, a pair of tensors for each weight; those of all experts of a layer are one.

    Raises:
        NotExportableError: The inputs were not measured or not finite, or not over a calibration
            split, their squares are too large, or what llama.cpp calls the weights is not known.
        SidecarError: What channels showed is not there, or is not that of the report.
    """
    report = measured.report
    refuse_unknown(report["model"]["model_type"])
    if not report["protocol"]["calibration_samples"]:
        raise NotExportableError(
            "sums of squares are taken over the calibration split, of which the report has none. "
            "Measure with --calibration-samples."
        )
    rows = linear_inputs(report)
    tensors = _plain(measured.channels(), rows)
    weights = [(row["layer"], each) for row in rows for each in row["modules"] if experts_of(each)]
    by_expert = measured.expert_channels() if weights else None
    there = [each for each in weights if by_expert is not None and _is_there(by_expert, each[1])]
    if by_expert is not None:
        tensors |= _fused(by_expert, report, there)
    notes = _notes(tensors, len(weights) - len(there))
    ordered = dict(sorted(tensors.items()))
    return FileContent(encoded(_keys(report) | measured.origin.as_text(), ordered), notes)


def _plain(channels: Channels, rows: Iterable[LinearInput]) -> dict[str, GgufTensor]:
    """Of all maps that are no experts'."""
    tensors = dict[str, GgufTensor]()
    for row in rows:
        if plain := [module for module in row["modules"] if experts_of(module) is None]:
            sums = channels.sum_sq(row)
            _refuse_infinite(sums.by_channel, plain[0])
            for module in plain:
                tensors |= _pair(gguf_name(module), sums.by_channel, [sums.num_rows])
    return tensors


def _is_there(channels: ExpertChannels, module: str) -> bool:
    return channels.holds(module.rpartition(".")[0], fused(module).reads)


def _fused(
    channels: ExpertChannels, report: Report, weights: Iterable[tuple[int, str]]
) -> dict[str, GgufTensor]:
    """Of fused weights, by their layers: all maps that each stands for."""
    tensors = dict[str, GgufTensor]()
    for layer, module in weights:
        experts, read = module.rpartition(".")[0], fused(module)
        sums, num_rows = channels.sum_sq(experts, read.reads, num_experts(report, layer))
        _refuse_infinite(sums, module)
        for each in read.maps:
            tensors |= _pair(gguf_name(f"{experts}.{each}"), sums, num_rows)
    return tensors


def _notes(tensors: Mapping[str, GgufTensor], num_left_out: int) -> tuple[str, ...]:
    """What of experts is not there."""
    notes = []
    if num_left_out:
        notes.append(f"{counted(num_left_out, 'fused weight')} of experts {NOT_MEASURED}")
    counts = [tensor.values for name, tensor in tensors.items() if name.endswith(COUNTS)]
    if most := max((list(values).count(0) for values in counts), default=0):
        notes.append(f"there are layers with {counted(most, 'expert')} {NOT_REACHED}")
    return tuple(notes)


def _keys(report: Report) -> dict[str, Value]:
    """Without any of these llama-quantize stops."""
    protocol = report["protocol"]
    corpus = protocol["corpus"]
    return {
        "general.type": "imatrix",
        "imatrix.datasets": [corpus["name"]],
        "imatrix.chunk_count": min(protocol["calibration_samples"], corpus["num_samples"]),
        "imatrix.chunk_size": protocol["max_seq_len"],
    }


def _pair(weight: str, sums: Sequence[float], num_rows: Sequence[float]) -> dict[str, GgufTensor]:
    """What a weight reads: sums of each channel, matrix by matrix, and the rows of each matrix."""
    matrices = len(num_rows)
    return {
        f"{weight}.in_sum2": GgufTensor(sums, (len(sums) // matrices, matrices)),
        f"{weight}{COUNTS}": GgufTensor(num_rows, (1, matrices)),
    }


def _refuse_infinite(sums: Sequence[float], module: str) -> None:
    if max(sums) > LARGEST_FLOAT32:
        raise NotExportableError(
            f"the sums of squares of what {printable(module, 300)} reads are beyond float32, and "
            "llama-quantize takes no infinity. Measure with fewer --calibration-samples."
        )
