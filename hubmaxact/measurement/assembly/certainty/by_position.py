"""The report's `stability.by_text.by_position`: at which positions texts have their largest |x|."""

from collections.abc import Sequence
from itertools import pairwise

from hubmaxact.measurement.statistics.stretches import FIRST_POSITIONS
from hubmaxact.report.stability import PositionMaxima


def maxima_by_position(by_stretch: Sequence[Sequence[float]]) -> list[PositionMaxima]:
    """Return the rows.

    Args:
        by_stretch: For each stretch of `FIRST_POSITIONS`, the largest finite |x| of each text
            there; -1 where nothing was finite.

    Returns:
        Rows up to the last stretch that holds a finite value.
    """
    of_texts = list(zip(*by_stretch, strict=True))
    peaking = [maxima.index(max(maxima)) for maxima in of_texts if max(maxima) >= 0]
    largest = [max(maxima, default=-1.0) for maxima in by_stretch]
    ends = [*(following - 1 for _, following in pairwise(FIRST_POSITIONS)), None]
    rows = [
        PositionMaxima(
            first_position=first,
            last_position=last,
            abs_max=abs_max if abs_max >= 0 else None,
            num_texts_peaking=peaking.count(place),
            num_texts_reaching_max=sum(0 <= value == max(largest) for value in maxima),
        )
        for place, (first, last, abs_max, maxima) in enumerate(
            zip(FIRST_POSITIONS, ends, largest, by_stretch, strict=True)
        )
    ]
    while rows and rows[-1]["abs_max"] is None:
        rows.pop()
    return rows
