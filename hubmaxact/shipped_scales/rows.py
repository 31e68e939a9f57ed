"""Every shipped number as a row."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import isfinite

from hubmaxact.printable import printable
from hubmaxact.report.deployment import CHANNELS
from hubmaxact.scales.names import ZERO_POINT
from hubmaxact.scales.number_formats import NumberFormat
from hubmaxact.scales.tensors import INPUT
from hubmaxact.shipped_scales import verdicts
from hubmaxact.shipped_scales.choice import choice_of
from hubmaxact.shipped_scales.conventions import cache_convention, input_convention
from hubmaxact.shipped_scales.declaration import Declaration
from hubmaxact.shipped_scales.measured_maxima import Key, Measured, MeasuredMaxima
from hubmaxact.shipped_scales.other_inputs import PRE_QUANT_SCALE, Change, change_of, smoothing
from hubmaxact.shipped_scales.row import Pending, Row, judged, reach, told
from hubmaxact.shipped_scales.shipped import MOST_NUMBERS, ShippedScale

UNKNOWN = "neither names nor dtypes tell what it is multiplied with"
BASE_MODEL = "the report is of the base model"
CHANNELS_WANTED = (
    f"that is followed only with the report's {CHANNELS} beside it, channel by channel"
)
FACTORS_UNFIT = "its numbers fit no channels that were measured"
ZERO_POINT_BESIDE = "a zero point moves its range, and the report tells magnitudes without a sign"


@dataclass(slots=True)
class Group:
    """All numbers for one measured tensor; of experts, for one layer.

    Attributes:
        most: The largest |x| that one of them stands for.
        least: The smallest.
    """

    most: float
    least: float


class Rows:
    """Makes the rows of one checkpoint.

    Args:
        maxima: Of the report.
        declared: What the configuration says.
        done: What was done to the model before its activations were looked at.
        tolerance: By this share what was measured may exceed what a number stands for.
    """

    def __init__(
        self,
        maxima: MeasuredMaxima,
        declared: Declaration,
        done: Collection[Change],
        tolerance: float,
    ) -> None:
        self.maxima, self.declared, self.done = maxima, declared, done
        self.tolerance = tolerance

    def of(self, shipped: Iterable[ShippedScale]) -> list[Row]:
        """Return a row for each number, in order.

        Args:
            shipped: The tensors of scales.

        Returns:
            Rows with their verdicts.
        """
        found = [each for scale in shipped for each in self._pending(scale)]
        groups = _by_tensor(each for each in found if isinstance(each, Pending))
        return [self._whole(each, groups) if isinstance(each, Pending) else each for each in found]

    def _pending(self, scale: ShippedScale) -> Iterator[Pending | Row]:
        """A number for each row that can be judged; a row for what cannot be."""
        whole = Row(
            kind=scale.name.kind,
            module=scale.name.module,
            tensor=scale.tensor,
            dtype=scale.dtype,
            verdict="",
        )
        smoothed = self._smoothed(scale)
        if refused := self._refused(scale, is_known=smoothed is not None):
            alone = scale.numbers[0] if scale.numbers and len(scale.numbers) == 1 else None
            yield told(replace(whole, scale=_finite(alone)), *refused)
            return
        number_format, is_divisor = self._number_format(scale)
        numbers = scale.numbers or ()
        for element, number in enumerate(numbers):
            known = replace(
                whole,
                element=element if len(numbers) > 1 else None,
                convention=number_format.title if number_format else None,
                scale=_finite(number),
            )
            if number_format is None:
                yield told(known, verdicts.UNKNOWN_CONVENTION, UNKNOWN)
                continue
            reached = reach(number_format, number, divisor=is_divisor)
            share = smoothed or self.maxima.of(known.kind, known.module, element, len(numbers))
            yield self._reaching(known, number, number_format, reached, share)

    def _reaching(
        self,
        known: Row,
        number: float,
        number_format: NumberFormat,
        reached: float | None,
        measured: Measured | None,
    ) -> Pending | Row:
        if reached is None:
            words = f"{number:g} is no scale: nothing was calibrated, or the memory was never set"
            return told(known, verdicts.UNSOUND, words)
        return Pending(
            row=replace(known, representable=reached),
            number_format=number_format,
            measured=measured,
            chosen=choice_of(self.declared, known.kind),
        )

    def _smoothed(self, scale: ShippedScale) -> Measured | None:
        """What was measured of an input whose channels are multiplied first; None: not known."""
        if scale.name.kind != INPUT or scale.factors is None:
            return None
        return self.maxima.smoothed(scale.name.module, scale.factors)

    def _refused(
        self, scale: ShippedScale, *, is_known: bool
    ) -> tuple[verdicts.Verdict, str] | None:
        """Why no comparison is honest, if none is; `is_known`: smoothing was followed."""
        kind, around = scale.name.kind, scale.around
        if scale.numbers is None:
            return verdicts.NOT_COMPARABLE, (
                f"{scale.dtype} {list(scale.shape)} is no scale for a whole tensor, nor one for "
                f"each head or expert (at most {MOST_NUMBERS:,} floating-point numbers)"
            )
        changed = change_of(self.done, kind)
        if kind == INPUT and not is_known:
            changed = changed or smoothing(around.algorithm, around.beside)
        if changed:
            words = f"{printable(changed)} changed this tensor before its scale was chosen, and "
            return verdicts.NOT_COMPARABLE, words + _unfollowed(changed, scale)
        if ZERO_POINT in around.beside:
            return verdicts.NOT_COMPARABLE, ZERO_POINT_BESIDE
        return self._uncounted(scale.name.kind, scale.name.module, len(scale.numbers))

    def _uncounted(
        self, kind: str, module: str, num_elements: int
    ) -> tuple[verdicts.Verdict, str] | None:
        """Why several numbers are none of several heads or experts, if they are not."""
        if num_elements == 1 or self.maxima.of(kind, module, 0, num_elements) is not None:
            return None
        if self.maxima.of(kind, module, 0, 1) is None:
            return verdicts.NOT_MEASURED, ""
        return verdicts.NOT_COMPARABLE, f"it holds {num_elements} numbers, and was measured whole"

    def _number_format(self, scale: ShippedScale) -> tuple[NumberFormat | None, bool]:
        """What the scale's tensor becomes, and whether the number divides."""
        if scale.name.kind != INPUT:
            return cache_convention(self.declared), False
        found = input_convention(scale.name.name, scale.around)
        return (found.number_format, found.divisor) if found else (None, False)

    def _whole(self, pending: Pending, groups: Mapping[Key, Group]) -> Row:
        if pending.measured is None:
            return judged(pending, None, self.tolerance)
        group = groups[pending.measured.key]
        if pending.measured.shares:
            return judged(pending, group.most, self.tolerance)
        agrees = group.most == group.least
        return replace(judged(pending, None, self.tolerance), agrees=agrees)


def _unfollowed(changed: str, scale: ShippedScale) -> str:
    """Why what changed a tensor was not followed."""
    if changed != PRE_QUANT_SCALE:
        return BASE_MODEL
    return CHANNELS_WANTED if scale.factors is None else FACTORS_UNFIT


def _by_tensor(pending: Iterable[Pending]) -> Mapping[Key, Group]:
    groups: dict[Key, Group] = {}
    for each in pending:
        if each.measured is not None and (reached := each.row.representable) is not None:
            group = groups.setdefault(each.measured.key, Group(reached, reached))
            group.most, group.least = max(group.most, reached), min(group.least, reached)
    return groups


def _finite(number: float | None) -> float | None:
    return number if number is not None and isfinite(number) else None
