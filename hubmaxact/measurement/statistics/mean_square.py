"""The threshold of least squared error among all that occur, without rounding anything at each.

A bf16 value is a fraction of 7 bits times a power of two. How far x is moved by rounding at
threshold t depends on the two fractions and on how many powers of two lie between, times a power of
two; so tables hold the squares for all fractions, and counts of values do the rest. Sums made of
tables single out the few candidates that may be the least; these are then rounded one by one, so
that the result is that of trying every threshold.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from hubmaxact.deployed_formats import DeployedFormat
from hubmaxact.measurement.rounding.one_scale import rounded_at
from hubmaxact.measurement.statistics.distribution import Float64s
from hubmaxact.measurement.statistics.magnitudes import (
    EXPONENTS,
    FRACTION_BITS,
    FRACTIONS,
    Magnitudes,
    magnitude_grid,
)

BIAS = 127
DEEPEST = 36
"""Powers of two between a threshold and values that vanish in any of the formats."""

LEAST_EXPONENT = -40
"""Of the largest magnitude: from here on no float32 of the arithmetic is subnormal.

A threshold that is more than 33 powers of two below it is never the least, for fewer than 2^63
values: clipping the largest costs more than all the others could."""

TOLERANCE = 1e-6
"""By which sums from tables may be off: errors of clipped values are rounded to float32."""


WEIGHTS = np.ldexp(1.0, -2 * np.arange(DEEPEST))[:, None]
"""Squares of powers of two, down from that of the threshold."""


class Table(NamedTuple):
    """Squared errors of one format at thresholds between 1 and 2.

    Attributes:
        depths: Groups of powers of two between threshold and value, as (first, last): in one, the
            squares are alike but for their power of two.
        squares: Of values between 1 and 2, shape (groups * 128 fractions, 128 thresholds).
        reached: What clipped values become, by threshold.
    """

    depths: tuple[tuple[int, int], ...]
    squares: Float64s
    reached: Float64s


class Grid(NamedTuple):
    """Magnitudes by exponent and fraction.

    Attributes:
        counts: Shape (256, 128).
        squares: Sum of squares by exponent.
        above: Count, sum and sum of squares of those with this exponent or a larger one, (3, 256).
    """

    counts: Float64s
    squares: Float64s
    above: Float64s


def least_error_thresholds(
    ways: Sequence[DeployedFormat], x: Magnitudes
) -> dict[DeployedFormat, float]:
    """Return, for each way, the magnitude that gives the least squared error as a threshold.

    Args:
        ways: Such as have a single scale for the tensor.
        x: Of the calibration split.

    Returns:
        One that occurs, the largest of those that give the same; none where all is zero.
    """
    if not len(x.values):
        return {}
    if x.patterns[-1] >> FRACTION_BITS < BIAS + LEAST_EXPONENT:
        candidates = [x.values] * len(ways)
    else:
        grid = _grid(x)
        candidates = [_candidates(table_of(way), x, grid) for way in ways]
    return _least(x, list(zip(ways, candidates, strict=True)))


def _least(
    x: Magnitudes, candidates: Sequence[tuple[DeployedFormat, Float64s]]
) -> dict[DeployedFormat, float]:
    """Try some thresholds of each way."""
    asked = [(way, threshold) for way, tried in candidates for threshold in tried.tolist()]
    least: dict[DeployedFormat, tuple[float, float]] = {}
    for (way, threshold), error in zip(asked, x.errors(asked), strict=True):
        found = (error.err_sq, -threshold)
        least[way] = min(least.get(way, found), found)
    return {way: -largest_first for way, (_, largest_first) in least.items()}


def _candidates(table: Table, x: Magnitudes, grid: Grid) -> Float64s:
    """Find the magnitudes whose sums are the least, but for what sums are off by."""
    sums = np.full((EXPONENTS, FRACTIONS), np.inf)
    seen, best = grid.counts > 0, np.inf
    for row in range(int(x.patterns[-1]) >> FRACTION_BITS, 0, -1):
        clipped = grid.above[:, row + 1]
        if _clipping(clipped, np.ldexp(2.0, row - BIAS)) > best * (1 + TOLERANCE):
            break
        of_row = _sums_of_row(table, grid, row)
        of_row += _clipping(clipped, np.ldexp(table.reached, row - BIAS))
        sums[row, seen[row]] = of_row[seen[row]]
        best = sums[row].min(initial=best)
    return x.values[sums.ravel()[x.patterns] <= best * (1 + TOLERANCE)]


def _grid(x: Magnitudes) -> Grid:
    counts = np.zeros((EXPONENTS, FRACTIONS))
    counts.ravel()[x.patterns] = x.counts
    moments = np.einsum("ef,pef->pe", counts, _powers())
    return Grid(counts, moments[2], np.cumsum(moments[:, ::-1], axis=1)[:, ::-1])


@cache
def _powers() -> Float64s:
    """Powers 0, 1 and 2 of all magnitudes, shape (3, 256, 128)."""
    return np.stack([magnitude_grid() ** power for power in range(3)])


def _sums_of_row(table: Table, grid: Grid, row: int) -> Float64s:
    """Squared errors of what is not above one power of two, at each threshold in it."""
    after = table.depths[-1][1] + 1
    near = grid.counts[row - after + 1 : row + 1][::-1] * WEIGHTS[:after]
    grouped = np.add.reduceat(near, [first for first, _ in table.depths])
    vanished = grid.squares[: row - after + 1].sum()
    near_sums: Float64s = np.ldexp(grouped.ravel() @ table.squares, 2 * (row - BIAS))
    sums: Float64s = near_sums + vanished
    return sums


def _clipping(moments: Float64s, reached: Float64s) -> Float64s:
    """Sum of (x - y)^2 over values whose count, sum and sum of squares are known."""
    number, total, squares = moments
    found: Float64s = squares - 2 * reached * total + reached**2 * number
    return found


@cache
def table_of(way: DeployedFormat) -> Table:
    """Make the table of a format, by rounding."""
    fractions = (1 + np.arange(FRACTIONS) / FRACTIONS).astype(np.float32)
    x = np.ldexp(fractions, -np.arange(DEEPEST, dtype=np.int32)[:, None]).ravel()
    y = rounded_at(x, way.format, fractions)
    squares = np.square((x - y).T.astype(np.float64)).reshape(DEEPEST, FRACTIONS, FRACTIONS)
    reached = y.max(axis=1).astype(np.float64)
    squares *= np.ldexp(1.0, 2 * np.arange(DEEPEST))[:, None, None]
    changes = [n for n in range(1, DEEPEST) if not np.array_equal(squares[n - 1], squares[n])]
    depths = tuple(zip([0, *changes], [*(n - 1 for n in changes), DEEPEST - 1], strict=True))
    kept = depths[:-1]  # in the last group all values have vanished
    return Table(kept, squares[[first for first, _ in kept]].reshape(-1, FRACTIONS), reached)
