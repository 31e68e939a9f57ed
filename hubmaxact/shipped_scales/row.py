"""A row of an audit: one shipped number, what it can stand for, and what was measured."""

import math
from dataclasses import dataclass, replace

from hubmaxact.scales.number_formats import NumberFormat
from hubmaxact.shipped_scales.choice import Choice
from hubmaxact.shipped_scales.judge import Shipped, bits_unused, clipped_share, judge, ratio
from hubmaxact.shipped_scales.measured_maxima import Measured
from hubmaxact.shipped_scales.verdicts import NOT_MEASURED, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One number that a checkpoint ships, or fails to ship.

    Attributes:
        kind: What it scales: "input" (of a linear map), "key", "value" or "query".
        module: The map's name in the checkpoint, or the attention's.
        tensor: The tensor that holds it; null where it is missing.
        element: Which of the tensor's numbers, where it holds one for each head or expert.
        convention: Number format and rule that it follows; null where none is known.
        dtype: That it is stored in, as safetensors spells it.
        scale: The number as stored; null where it is missing, or not finite.
        representable: The largest |x| that it can stand for.
        in_kernel: The same in a kernel that runs all experts of a layer with one number.
        measured: The largest |x| that was measured; of a map with a `pre_quant_scale`, of every
            channel times its own. Null where nothing was.
        ratio: `measured` over `representable`.
        clipped_share: The least and the most that the share of values beyond `representable` can
            be, by the report's quantiles; null where it has none.
        bits_unused: How many times `representable` could be halved.
        agrees: Whether it equals the numbers of all other maps that read the same tensor.
        verdict: One of VERDICTS.
        fails: Whether it is among the reasons why the audit fails.
        detail: Why, in words; may be empty.
    """

    kind: str
    module: str
    tensor: str | None
    element: int | None = None
    convention: str | None = None
    dtype: str | None = None
    scale: float | None = None
    representable: float | None = None
    in_kernel: float | None = None
    measured: float | None = None
    ratio: float | None = None
    clipped_share: tuple[float, float] | None = None
    bits_unused: float | None = None
    agrees: bool = True
    verdict: str
    fails: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A row before its verdict, which may hang on others.

    Attributes:
        row: All that is known of it by itself.
        number_format: What its tensor becomes.
        measured: What was measured of that. None: nothing.
        chosen: What is known of how the number was chosen.
    """

    row: Row
    number_format: NumberFormat
    measured: Measured | None
    chosen: Choice


def told(row: Row, verdict: Verdict, detail: str) -> Row:
    """Return a row with its verdict."""
    return replace(row, verdict=verdict.name, fails=verdict.fails, detail=detail)


def reach(number_format: NumberFormat, number: float, *, divisor: bool) -> float | None:
    """Return the largest |x| that a number stands for; None where it is no scale.

    Args:
        number_format: What its tensor becomes.
        number: As stored, which may be anything.
        divisor: Whether it divides.

    Returns:
        A positive and finite number.
    """
    if not math.isfinite(number) or number <= 0:
        return None
    reached = number_format.largest / number if divisor else number_format.largest * number
    return reached if math.isfinite(reached) and reached > 0 else None


def judged(pending: Pending, in_kernel: float | None, tolerance: float) -> Row:
    """Give a row its verdict.

    Args:
        pending: A row with a number, and how far that reaches.
        in_kernel: How far a kernel that runs all experts with one number does. None: it does not.
        tolerance: By this share what was measured may exceed that, and the audit passes.

    Returns:
        The row, whole.
    """
    row, measured = pending.row, pending.measured
    assert row.scale is not None
    assert row.representable is not None
    assert row.dtype is not None
    if measured is None:
        return told(replace(row, in_kernel=in_kernel), NOT_MEASURED, "")
    shipped = Shipped(
        number_format=pending.number_format,
        dtype=row.dtype,
        number=row.scale,
        representable=row.representable,
        reaches=in_kernel or row.representable,
        chosen=pending.chosen,
    )
    verdict, detail = judge(shipped, measured)
    known = replace(
        told(row, verdict, detail),
        in_kernel=in_kernel,
        measured=measured.abs_max,
        ratio=ratio(row.representable, measured.abs_max),
        clipped_share=clipped_share(measured, row.representable),
        bits_unused=bits_unused(row.representable, measured.abs_max),
    )
    excess = (measured.abs_max or 0.0) / shipped.reaches - 1
    return replace(known, fails=verdict.fails and excess > tolerance)
