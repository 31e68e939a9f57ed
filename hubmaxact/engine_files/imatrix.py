"""llama.cpp's importance matrix: the mean square of every channel that a linear map reads.

`llama-quantize --imatrix` divides `in_sum2` by `counts`, both of which stand in the file for each
weight by its GGUF name.
"""

from hubmaxact.engine_files.expert_modules import experts_of
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
from hubmaxact.report.document import Report
from hubmaxact.sidecars.channels import SumsOfSquares

EXPERTS_NOTE = (
    "left out: sums of squares are measured over all experts, and llama.cpp wants them of each. "
    "llama-quantize takes their weights as equally important, or stops where a format needs more."
)


def make(measured: Measured, choices: Choices) -> FileContent:  # noqa: ARG001 it has none
    """Return the file.

    Args:
        measured: A report of profile deployment, with what lies beside it.
        choices: None are taken.

    Returns:
        GGUF, a pair of tensors for each weight.

    Raises:
        NotExportableError: The inputs were not measured or not finite, or not over a calibration
            split, their squares are too large, or what llama.cpp calls the weights is not known.
        SidecarError: The channels are not there, or are not those of the report.
    """
    report = measured.report
    refuse_unknown(report["model"]["model_type"])
    if not report["protocol"]["calibration_samples"]:
        raise NotExportableError(
            "sums of squares are taken over the calibration split, of which the report has none. "
            "Measure with --calibration-samples."
        )
    rows, channels = linear_inputs(report), measured.channels()
    tensors, experts = dict[str, GgufTensor](), 0
    for row in rows:
        fused = [module for module in row["modules"] if experts_of(module) is not None]
        experts += len(fused)
        if plain := [module for module in row["modules"] if module not in fused]:
            sums = channels.sum_sq(row)
            _refuse_infinite(sums, plain[0])
            for module in plain:
                tensors |= _pair(gguf_name(module), sums)
    ordered = dict(sorted(tensors.items()))
    weights = counted(experts, "fused weight")
    notes = (f"{weights} of experts {EXPERTS_NOTE}",) if experts else ()
    return FileContent(encoded(_keys(report) | measured.origin.as_text(), ordered), notes)


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


def _pair(weight: str, sums: SumsOfSquares) -> dict[str, GgufTensor]:
    return {
        f"{weight}.in_sum2": GgufTensor(sums.by_channel, (len(sums.by_channel), 1)),
        f"{weight}.counts": GgufTensor([sums.num_rows], (1, 1)),
    }


def _refuse_infinite(sums: SumsOfSquares, module: str) -> None:
    if max(sums.by_channel) > LARGEST_FLOAT32:
        raise NotExportableError(
            f"the sums of squares of what {printable(module, 300)} reads are beyond float32, and "
            "llama-quantize takes no infinity. Measure with fewer --calibration-samples."
        )
