"""One shipped number held against what was measured of its tensor."""

import math
import struct
from dataclasses import dataclass

from hubmaxact.printable import printable
from hubmaxact.rendering import numbers
from hubmaxact.scales.number_formats import NumberFormat
from hubmaxact.shipped_scales import verdicts
from hubmaxact.shipped_scales.choice import Choice
from hubmaxact.shipped_scales.measured_maxima import Measured
from hubmaxact.shipped_scales.stored_numbers import NUMBER_KINDS
from hubmaxact.shipped_scales.verdicts import Verdict

HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """One number as it is shipped, and how far it reaches.

    Attributes:
        number_format: What its tensor becomes.
        dtype: That it is stored in.
        number: As stored.
        representable: The largest |x| that it can stand for, by itself.
        reaches: The same in a kernel that shares it with other experts.
        chosen: What is known of how it was chosen.
    """

    number_format: NumberFormat
    dtype: str
    number: float
    representable: float
    reaches: float
    chosen: Choice

    @property
    def rounding(self) -> float:
        """The relative error that it may have by itself."""
        return max(NUMBER_KINDS[self.dtype].rounding, self.number_format.rounding)

    @property
    def is_uncalibrated(self) -> bool:
        """Whether it is what tools write where they have seen nothing."""
        known = self.number_format.uncalibrated
        return known is not None and _same_float32(self.number, known)


UNNAMED = (
    "no observer is named, and llm-compressor's own is a moving average, which stays below the "
    "maximum by design"
)
UNSEEN = "it is what stands where nothing was seen"


def judge(shipped: Shipped, measured: Measured) -> tuple[Verdict, str]:
    """Tell what a shipped number does to what was measured.

    Args:
        shipped: A positive and finite number.
        measured: Of its tensor.

    Returns:
        The verdict, and why, as one sentence without a full stop; "" where nothing is to add.
    """
    if measured.abs_max is None:
        if shipped.is_uncalibrated:
            return verdicts.NOT_CALIBRATED, f"{UNSEEN}, and nothing was measured either"
        return verdicts.NOT_MEASURED, "no finite value reached it while measuring"
    if measured.abs_max > shipped.reaches * _allowed(shipped, measured):
        return _beyond(shipped)
    if not measured.is_finite:
        return verdicts.NOT_COMPARABLE, "NaN or infinity was measured, which no scale reaches"
    return _reached(shipped, measured, measured.abs_max)


def _reached(shipped: Shipped, measured: Measured, abs_max: float) -> tuple[Verdict, str]:
    rounding = max(shipped.rounding, measured.rounding)
    if abs(abs_max / shipped.representable - 1) <= rounding:
        return verdicts.MATCHES, ""
    if shipped.is_uncalibrated:
        return verdicts.NOT_CALIBRATED, f"{UNSEEN}; what was measured stays within it"
    if abs_max > shipped.representable:
        return verdicts.ROUNDS, _between(shipped, measured, abs_max)
    return _within(shipped, measured)


def clipped_share(measured: Measured, representable: float) -> tuple[float, float] | None:
    """Bound the share of values beyond what a scale reaches, from the quantiles of a report.

    Args:
        measured: Of its tensor.
        representable: The largest |x| that the scale stands for.

    Returns:
        The least and the most that it can be. None: no quantiles were measured.
    """
    if measured.abs_max is not None and measured.abs_max <= representable:
        return 0.0, 0.0
    if not measured.quantiles:
        return None
    beyond = [_rest(q) for q, value in measured.quantiles.items() if value > representable]
    within = [_rest(q) for q, value in measured.quantiles.items() if value <= representable]
    return max(beyond, default=0.0), min(within, default=1.0)


def _allowed(shipped: Shipped, measured: Measured) -> float:
    """How many times what a number reaches a value may be without losing more than by rounding."""
    rounding = max(shipped.rounding, measured.rounding)
    return max(shipped.number_format.rounds_up_to, 1 + rounding)


def _beyond(shipped: Shipped) -> tuple[Verdict, str]:
    if shipped.is_uncalibrated:
        return verdicts.SATURATES, f"not calibrated: {UNSEEN}"
    if shipped.chosen.observer is not None:
        observer = printable(shipped.chosen.observer)
        return verdicts.ON_PURPOSE, f"chosen by the observer {observer}, which takes no maximum"
    return verdicts.SATURATES, UNNAMED if shipped.chosen.is_unnamed else ""


def _between(shipped: Shipped, measured: Measured, abs_max: float) -> str:
    if abs_max > shipped.representable * _allowed(shipped, measured):
        reaches = numbers.value(shipped.reaches)
        return f"less than its own maximum; its kernel takes the largest of all experts, {reaches}"
    return "beyond the largest code by no more than half a step"


def _within(shipped: Shipped, measured: Measured) -> tuple[Verdict, str]:
    median = measured.quantiles.get(HALF)
    least = shipped.number_format.least_normal
    if median is not None and least is not None and 0 < median < least * shipped.representable:
        return verdicts.COARSE, "half of all values lie where FP8 has fewer than three bits"
    bits = bits_unused(shipped.representable, measured.abs_max)
    if shipped.number_format.uniform and bits is not None and bits >= 1:
        return verdicts.UNUSED_RANGE, f"{bits:.1f} bits of it are never used"
    return verdicts.FITS, ""


def bits_unused(representable: float, abs_max: float | None) -> float | None:
    """Return how many times the range could be halved; None where it is too small, or nothing is.

    Args:
        representable: The largest |x| that a scale stands for.
        abs_max: The largest that was measured.

    Returns:
        Bits.
    """
    if not abs_max or abs_max > representable:
        return None
    return math.log2(representable) - math.log2(abs_max)


def ratio(representable: float, abs_max: float | None) -> float | None:
    """Return what was measured over what a scale stands for; None where that is no number."""
    found = None if abs_max is None or not representable else abs_max / representable
    return found if found is None or math.isfinite(found) else None


def _rest(share: float) -> float:
    return round(1 - share, 12)


def _same_float32(number: float, known: float) -> bool:
    try:
        return struct.pack("<f", number) == struct.pack("<f", known)
    except OverflowError:  # a float64 beyond float32
        return False
