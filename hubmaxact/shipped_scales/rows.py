"""Every shipped number as a row, and a row for each that is missing."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from math import isfinite

from hubmaxact.printable import printable
from hubmaxact.recognition.safetensors_header import TensorEntry
from hubmaxact.shipped_scales import verdicts
from hubmaxact.shipped_scales.conventions import (
    COMPRESSED_TENSORS,
    Convention,
    input_convention,
)
from hubmaxact.shipped_scales.declaration import FP8_CACHE, INT8_CACHE, Declaration
from hubmaxact.shipped_scales.judge import Choice
from hubmaxact.shipped_scales.measured_maxima import Key, MeasuredMaxima, plain
from hubmaxact.shipped_scales.number_formats import FP8, INT8_127, INT8_127_5, NumberFormat
from hubmaxact.shipped_scales.other_inputs import (
    INPUT,
    KEY,
    VALUE,
    Change,
    change_of,
    smoothing,
)
from hubmaxact.shipped_scales.row import Pending, Row, judged, reach, told
from hubmaxact.shipped_scales.scale_names import ZERO_POINT
from hubmaxact.shipped_scales.shipped import MOST_NUMBERS, ShippedScale, without_scales

EXACT_OBSERVERS = frozenset({"static_minmax"})
"""Those that take the largest |x| of all that they have seen; any other chooses less."""

CACHES: Mapping[tuple[str | None, bool], NumberFormat] = {
    (None, False): FP8,
    (None, True): FP8,
    (FP8_CACHE, False): FP8,
    (FP8_CACHE, True): FP8,
    (INT8_CACHE, False): INT8_127,
    (INT8_CACHE, True): INT8_127_5,
}
"""(the cache's scheme, whether compressed-tensors wrote it) -> what its scales stand for."""

UNSCALED = 1.0
"""What engines take for the scale of an FP8 cache that ships none."""


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
        pending = [each for each in found if isinstance(each, Pending)]
        groups = _by_tensor(pending)
        return [self._whole(each, groups) if isinstance(each, Pending) else each for each in found]

    def missing(
        self, shipped: Collection[ShippedScale], tensors: Mapping[str, TensorEntry]
    ) -> Iterator[Row]:
        """Yield a row for each scale that the configuration promises and no tensor holds.

        Args:
            shipped: The scales that there are.
            tensors: All tensors by name.

        Yields:
            Rows; those of an FP8 cache with the 1.0 that engines take.
        """
        if self.declared.static_inputs:
            for module in without_scales(tensors):
                row = Row(kind=INPUT, module=module, tensor=None, verdict="")
                words = "inputs have stored scales by the configuration, and this one has none"
                yield told(row, verdicts.MISSING, words)
        if self.declared.cache == FP8_CACHE:
            yield from self._missing_cache({(s.name.kind, plain(s.name.module)) for s in shipped})

    def _missing_cache(self, there: Collection[tuple[str, str]]) -> Iterator[Row]:
        for row in self.maxima.cached.values():
            for kind in (KEY, VALUE):
                if (kind, plain(row["module"])) in there:
                    continue
                measured = self.maxima.of(kind, row["module"], 0, 1)
                if measured is None or change_of(self.done, kind):
                    continue
                known = Row(
                    kind=kind, module=row["module"], tensor=None, convention=FP8.title,
                    dtype="F32", scale=UNSCALED, representable=FP8.largest, verdict="",
                )  # fmt: skip
                pending = Pending(row=known, number_format=FP8, measured=measured, chosen=Choice())
                yield _without_tensor(judged(pending, None, self.tolerance))

    def _pending(self, scale: ShippedScale) -> Iterator[Pending | Row]:
        """A number for each row that can be judged; a row for what cannot be."""
        whole = Row(
            kind=scale.name.kind,
            module=scale.name.module,
            tensor=scale.tensor,
            dtype=scale.dtype,
            verdict="",
        )
        if refused := self._refused(scale):
            number = scale.numbers[0] if scale.numbers and len(scale.numbers) == 1 else None
            finite = number if number is not None and isfinite(number) else None
            yield told(replace(whole, scale=finite), *refused)
            return
        number_format, divisor = self._number_format(scale)
        numbers = scale.numbers or ()
        for element, number in enumerate(numbers):
            known = replace(
                whole,
                element=element if len(numbers) > 1 else None,
                convention=number_format.title if number_format else None,
                scale=number if isfinite(number) else None,
            )
            yield self._number(known, number, number_format, len(numbers), divisor=divisor)

    def _number(
        self,
        known: Row,
        number: float,
        number_format: NumberFormat | None,
        num_elements: int,
        *,
        divisor: bool,
    ) -> Pending | Row:
        if number_format is None:
            words = "neither names nor dtypes tell what it is multiplied with"
            return told(known, verdicts.UNKNOWN_CONVENTION, words)
        reached = reach(number_format, number, divisor=divisor)
        if reached is None:
            words = f"{number:g} is no scale: nothing was calibrated, or the memory was never set"
            return told(known, verdicts.UNSOUND, words)
        element = known.element or 0
        measured = self.maxima.of(known.kind, known.module, element, num_elements)
        return Pending(
            row=replace(known, representable=reached),
            number_format=number_format,
            measured=measured,
            chosen=self._chosen(known.kind),
        )

    def _refused(self, scale: ShippedScale) -> tuple[verdicts.Verdict, str] | None:
        """Why no comparison is honest, if none is."""
        kind, around = scale.name.kind, scale.around
        if scale.numbers is None:
            words = f"{scale.dtype} {list(scale.shape)}"
            return verdicts.NOT_COMPARABLE, (
                f"{words} is no scale for a whole tensor, nor one for each head or expert (at most "
                f"{MOST_NUMBERS:,} floating-point numbers)"
            )
        changed = change_of(self.done, kind)
        if kind == INPUT:
            changed = changed or smoothing(around.algorithm, around.beside)
        if changed:
            return verdicts.NOT_COMPARABLE, (
                f"{printable(changed)} changed this tensor before its scale was chosen, and the "
                "report is of the base model"
            )
        if ZERO_POINT in around.beside:
            return verdicts.NOT_COMPARABLE, (
                "a zero point moves its range, and the report tells magnitudes without a sign"
            )
        return None

    def _number_format(self, scale: ShippedScale) -> tuple[NumberFormat | None, bool]:
        """What the scale's tensor becomes, and whether the number divides."""
        if scale.name.kind == INPUT:
            found: Convention | None = input_convention(scale.name.name, scale.around)
            return (found.number_format, found.divisor) if found else (None, False)
        ours = self.declared.method == COMPRESSED_TENSORS
        return CACHES.get((self.declared.cache, ours)), False

    def _chosen(self, kind: str) -> Choice:
        """How numbers of one kind were chosen: below the maximum where all observers do that."""
        declared = self.declared
        if kind == INPUT:
            known, is_static = declared.input_observers, bool(declared.inputs)
        else:
            known = frozenset(filter(None, [declared.cache_observer]))
            is_static = declared.cache is not None
        if known:
            by = None if known & EXACT_OBSERVERS else ", ".join(sorted(known))
            return Choice(observer=by)
        return Choice(is_unnamed=is_static and declared.method == COMPRESSED_TENSORS)

    def _whole(self, pending: Pending, groups: Mapping[Key, list[Pending]]) -> Row:
        if pending.measured is None:
            return judged(pending, None, self.tolerance)
        group = groups[pending.measured.key]
        reaches = [each.row.representable or 0.0 for each in group]
        in_kernel = max(reaches) if pending.measured.shares else None
        agrees = pending.measured.shares or len(set(reaches)) == 1
        return replace(judged(pending, in_kernel, self.tolerance), agrees=agrees)


def _by_tensor(pending: Iterable[Pending]) -> Mapping[Key, list[Pending]]:
    """Numbers of one measured tensor together; of experts, of one layer."""
    groups: dict[Key, list[Pending]] = defaultdict(list)
    for each in pending:
        if each.measured is not None:
            groups[each.measured.key].append(each)
    return groups


def _without_tensor(row: Row) -> Row:
    """A row with the number that engines take where none is shipped."""
    words = "the configuration promises a scale and no tensor holds it; engines take 1.0"
    if row.verdict == verdicts.SATURATES.name:
        return replace(row, detail=words, dtype=None)
    return replace(told(row, verdicts.MISSING, words), dtype=None)
