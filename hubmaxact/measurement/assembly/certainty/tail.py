"""M of ten times the texts, inferred from the largest of this corpus; or why it cannot be."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from hubmaxact.measurement.assembly.certainty.bf16_cells import (
    LAST_PATTERN,
    Exceedances,
    exceedances,
    pattern_at_least,
    upper_edges,
    value_of,
)
from hubmaxact.measurement.assembly.certainty.goodness_of_fit import p_value
from hubmaxact.measurement.assembly.certainty.pareto_tail import ParetoTail
from hubmaxact.report.stability import Tail

GROWTH = 10  # times the texts
COVERAGE = 0.9
FEWEST_TEXTS = 500
WANTED_SHARE, FEWEST_WANTED, MOST_WANTED = 20, 50, 250  # one text in twenty, within bounds
MOST_FOR_TIES = 2  # times as many, where a cell is shared
FEWEST_DISTINCT = 8
HEAVIEST = 0.5  # from there on a tail has no finite variance
LEAST_P_VALUE = 0.05


def tail_or_reason(values: Sequence[float]) -> tuple[Tail | None, str | None]:
    """Fit a tail to the largest values, and say what it infers.

    Args:
        values: The finite maximum of each text, not negative.

    Returns:
        The tail, or why these values bear none.
    """
    if len(values) < FEWEST_TEXTS:
        texts = "1 text is" if len(values) == 1 else f"{len(values):,} texts are"
        return None, f"{texts} too few to infer from: {FEWEST_TEXTS} are needed"
    wanted = min(max(len(values) // WANTED_SHARE, FEWEST_WANTED), MOST_WANTED)
    seen = exceedances(values, wanted)
    if (reason := _too_few_values(seen, wanted)) is not None:
        return None, reason
    tail = ParetoTail(seen)
    fit = p_value(tail)
    if fit is None or fit < LEAST_P_VALUE:
        how = "" if fit is None else f" (chi-square, p = {fit:.2g})"
        return None, f"the {seen.number} largest maxima follow no generalized Pareto tail{how}"
    if tail.shape >= HEAVIEST:
        return None, (
            f"the {seen.number} largest maxima have so heavy a tail (shape {tail.shape:.2g}) that "
            "they bound nothing"
        )
    return _told(tail, max(values), fit), None


def _too_few_values(seen: Exceedances, wanted: int) -> str | None:
    """Why nothing is fitted: ties, as of a peak that a first token repeats in every text."""
    if seen.number > MOST_FOR_TIES * wanted:
        return f"{seen.number:,} texts tie with the {wanted} largest maxima or exceed them"
    if seen.num_distinct < FEWEST_DISTINCT:
        distinct = f"{seen.num_distinct} distinct value{'s' if seen.num_distinct > 1 else ''}"
        return f"the {seen.number} largest maxima are {distinct}: {FEWEST_DISTINCT} are needed"
    return None


def _told(tail: ParetoTail, largest: float, fit: float) -> Tail:
    ends = (1 - COVERAGE) / 2
    low, median, high = (_quantile(tail, largest, share) for share in (ends, 0.5, 1 - ends))
    return Tail(
        threshold=tail.seen.threshold,
        num_texts=tail.seen.number,
        num_distinct=tail.seen.num_distinct,
        shape=_short(tail.shape),
        scale=_short(tail.scale),
        p_value=_short(fit),
        growth=GROWTH,
        coverage=COVERAGE,
        low=low,
        median=median,
        high=high,
    )


def _quantile(tail: ParetoTail, largest: float, share: float) -> float:
    """The least bf16 number that M of all texts, those seen and the further ones, stays within."""
    patterns = range(pattern_at_least(largest), LAST_PATTERN)

    def within(pattern: int) -> float:
        edge = float(upper_edges(np.array([pattern]))[0])
        return tail.not_exceeded(edge, GROWTH - 1)

    return value_of(patterns.start + bisect_left(patterns, share, key=within))


def _short(number: float) -> float:
    """Three digits: no more are known, and no library's last bit shows."""
    return float(f"{number:.3g}")
