"""Whether exceedances look like the tail that was fitted to them: a chi-square test over cells."""

import numpy as np

from hubmaxact.measurement.assembly.certainty.bf16_cells import Float64s
from hubmaxact.measurement.assembly.certainty.chi_square import upper_tail
from hubmaxact.measurement.assembly.certainty.pareto_tail import ParetoTail, survival

FEWEST_EXPECTED = 5.0
MOST_GROUPS = 20
NUM_FITTED = 2  # shape and scale


def p_value(tail: ParetoTail) -> float | None:
    """Return how likely so bad a fit is where the tail is as fitted.

    Args:
        tail: Fitted.

    Returns:
        The chi-square test's share of one, over neighbouring cells put together until each group is
        expected to hold enough. None: the values fall into too few groups to test.
    """
    seen = tail.seen
    expected_C = seen.number * shares(tail)
    first_G = _first_cells(expected_C, max(FEWEST_EXPECTED, seen.number / MOST_GROUPS))
    expected, found = np.add.reduceat(expected_C, first_G), np.add.reduceat(seen.counts_C, first_G)
    degrees = len(expected) - 1 - NUM_FITTED
    if degrees < 1:
        return None
    return upper_tail(float(((found - expected) ** 2 / expected).sum()), degrees)


def shares(tail: ParetoTail) -> Float64s:
    """Return how much of the tail lies in each cell, shape (C,); the last holds all beyond it."""
    seen = tail.seen
    beyond_C = survival(seen.upper_C, tail.shape, tail.scale)
    beyond_C[-1] = 0.0
    return survival(seen.lower_C, tail.shape, tail.scale) - beyond_C


def _first_cells(expected_C: Float64s, enough: float) -> list[int]:
    """First cells of groups; what remains too small at the end joins the last group."""
    starts, filled = [0], 0.0
    remaining = float(expected_C.sum())
    for cell, expected in enumerate(expected_C.tolist()):
        filled, remaining = filled + expected, remaining - expected
        if filled >= enough and remaining >= enough:
            starts.append(cell + 1)
            filled = 0.0
    return starts
