"""Static input scales, to be merged into a checkpoint whose weights are quantized already.

Never loadable by itself: an engine reads them only beside quantized weights, and where the
checkpoint's own configuration says that activations are static.
"""

from collections.abc import Iterator
from typing import NamedTuple

from hubmaxact.engine_files.checkpoint_names import MEMORY_NOTE, names_in
from hubmaxact.engine_files.expert_modules import expert_maxima, experts_of, fused
from hubmaxact.engine_files.measured_maxima import abs_max, linear_inputs
from hubmaxact.engine_files.request import (
    Choices,
    FileContent,
    Measured,
    NotExportableError,
    one_of,
)
from hubmaxact.engine_files.scale_conventions import (
    CONVENTIONS,
    INPUT_SCALES,
    NUMBER_FORMATS,
    InputScale,
)
from hubmaxact.report.document import Report
from hubmaxact.scales.tensors import TRANSFORMERS
from hubmaxact.sidecars.safetensors_bytes import FOR_TORCH, StoredTensor, encoded

SIDECAR_NOTE = (
    "A sidecar to merge into a checkpoint whose weights are quantized; nothing loads it by itself. "
    "Take the tensors of the maps that are quantized there, and never leave the file at a "
    "checkpoint's root, where engines take it for weights."
)


class Stored(NamedTuple):
    """A scale, the module that it belongs to, and what follows that module's name."""

    module: str
    end: str
    scale: StoredTensor


def make(measured: Measured, choices: Choices) -> FileContent:
    """Return the scales as a safetensors file.

    Args:
        measured: A report of profile deployment.
        choices: `convention`: compressed-tensors, modelopt or transformers. `number_format`: fp8,
            int8 or nvfp4.

    Returns:
        The file; one number for all maps that read one tensor. Names are those of the checkpoint
        at hand, which may be the quantized one.

    Raises:
        NotExportableError: The inputs were not measured or not finite, the convention has no
            static input scale of that number format, or the checkpoint at hand lacks a map.
        OptionsError: A choice is none.
    """
    convention = one_of("convention", choices.convention, CONVENTIONS)
    number_format = one_of("number_format", choices.number_format, NUMBER_FORMATS)
    if (scale := INPUT_SCALES.get((convention, number_format))) is None:
        raise NotExportableError(_why_not(convention, number_format))
    stored = list(_stored(measured.report, convention, scale))
    names = names_in([each.module for each in stored], measured.tensors)
    tensors = {f"{names[each.module]}{each.end}": each.scale for each in stored}
    told = {"convention": convention, "number_format": number_format}
    notes = (SIDECAR_NOTE, *([MEMORY_NOTE] if measured.tensors is None else []))
    return FileContent(encoded(tensors, FOR_TORCH | measured.origin.as_text() | told), notes)


def _stored(report: Report, convention: str, scale: InputScale) -> Iterator[Stored]:
    for row in linear_inputs(report):
        for module in row["modules"]:
            if experts_of(module) is None:
                yield Stored(module, f".{scale.name}", scale.of(abs_max(row)))
            elif convention == TRANSFORMERS:
                maxima = expert_maxima(report, row["layer"], module)
                values = tuple(scale.number(value) for value in maxima)
                yield Stored(module, f"_{scale.name}", StoredTensor(values, (len(values),)))
            else:
                yield from _of_each_expert(report, row["layer"], module, scale)


def _of_each_expert(report: Report, layer: int, module: str, scale: InputScale) -> Iterator[Stored]:
    for expert, largest in enumerate(expert_maxima(report, layer, module)):
        for name in fused(module).maps:
            one = f"{experts_of(module)}.{expert}.{name}"
            yield Stored(one, f".{scale.name}", scale.of(largest))


def _why_not(convention: str, number_format: str) -> str:
    if (convention, number_format) == ("modelopt", "int8"):
        return (
            "modelopt's int8 is SmoothQuant: its input_scale is of every channel times its "
            "pre_quant_scale, which the quantized checkpoint holds and no report does."
        )
    return f"{convention} has no static input scale of {number_format}."
