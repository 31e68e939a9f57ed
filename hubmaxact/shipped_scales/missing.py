"""A row for each scale that a configuration promises and no tensor holds."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from hubmaxact.recognition.safetensors_header import TensorEntry
from hubmaxact.scales.number_formats import FP8
from hubmaxact.scales.tensors import FP8_CACHE, INPUT, KEY, VALUE
from hubmaxact.shipped_scales import verdicts
from hubmaxact.shipped_scales.choice import Choice
from hubmaxact.shipped_scales.declaration import Declaration
from hubmaxact.shipped_scales.measured_maxima import MeasuredMaxima, plain
from hubmaxact.shipped_scales.other_inputs import Change, change_of
from hubmaxact.shipped_scales.row import Pending, Row, judged, told
from hubmaxact.shipped_scales.shipped import ShippedScale, without_scales

UNSCALED = 1.0
"""What engines take for the scale of an FP8 cache that ships none."""

NO_INPUT = "inputs have stored scales by the configuration, and this one has none"
NO_CACHE = "the configuration promises a scale and no tensor holds it; engines take 1.0"


def missing_inputs(tensors: Mapping[str, TensorEntry], declared: Declaration) -> Iterator[Row]:
    """Yield the quantized maps that lack the scale of their input.

    Args:
        tensors: All that the weight files hold, by name.
        declared: What the configuration says.

    Yields:
        Rows without a number; none where scales are found as it goes.
    """
    if declared.static_inputs:
        for module in without_scales(tensors):
            row = Row(kind=INPUT, module=module, tensor=None, verdict="")
            yield told(row, verdicts.MISSING, NO_INPUT)


def missing_cache(
    shipped: Collection[ShippedScale],
    maxima: MeasuredMaxima,
    declared: Declaration,
    done: Collection[Change],
    tolerance: float,
) -> Iterator[Row]:
    """Yield the keys and values of an FP8 cache that lack a scale.

    Args:
        shipped: The scales that there are.
        maxima: Of the report.
        declared: What the configuration says.
        done: What was done to the model before its activations were looked at.
        tolerance: By this share what was measured may exceed what a number stands for.

    Yields:
        Rows with the 1.0 that engines take.
    """
    if declared.cache != FP8_CACHE:
        return
    there = {(scale.name.kind, plain(scale.name.module)) for scale in shipped}
    for row in maxima.cached.values():
        for kind in (KEY, VALUE):
            if (kind, plain(row["module"])) not in there and not change_of(done, kind):
                yield from _unscaled(kind, row["module"], maxima, tolerance)


def _unscaled(kind: str, module: str, maxima: MeasuredMaxima, tolerance: float) -> Iterator[Row]:
    measured = maxima.of(kind, module, 0, 1)
    if measured is None:
        return
    known = Row(
        kind=kind,
        module=module,
        tensor=None,
        convention=FP8.title,
        dtype="F32",  # what engines hold it in
        scale=UNSCALED,
        representable=FP8.largest,
        verdict="",
    )
    pending = Pending(row=known, number_format=FP8, measured=measured, chosen=Choice())
    row = replace(judged(pending, None, tolerance), dtype=None)
    if row.verdict == verdicts.SATURATES.name:
        yield replace(row, detail=NO_CACHE)
    else:
        yield told(row, verdicts.MISSING, NO_CACHE)
