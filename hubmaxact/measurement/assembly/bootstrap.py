"""An interval for a mean over tokens, by drawing the texts again: tokens of one text hang together.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13: percentiles.
"""

import math

import numpy as np
import numpy.typing as npt

from hubmaxact.report.derived import Interval

RESAMPLES = 10_000
SEED = 0
CONFIDENCE = 0.95
DRAWN_AT_ONCE = 1 << 20


def interval(
    sums_S: npt.NDArray[np.float64],
    tokens_S: npt.NDArray[np.int64],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Tell a mean for a token, and how far it moves when other texts might have been drawn.

    Every call draws the same texts, so that intervals of several formats are of the same draws.

    Args:
        sums_S: What each text adds up to.
        tokens_S: Its tokens, one or more.
        resamples: How often as many texts are drawn, with replacement.
        seed: Of numpy's PCG64.

    Returns:
        The mean over all tokens, and the percentiles (inverted CDF) that leave out the same share
        of the draws below and above.
    """
    draw, texts = np.random.Generator(np.random.PCG64(seed)), len(sums_S)
    means, rows = [], max(1, DRAWN_AT_ONCE // texts)
    for begin in range(0, resamples, rows):
        drawn = draw.integers(0, texts, size=(min(rows, resamples - begin), texts))
        means.append(sums_S[drawn].sum(axis=1) / tokens_S[drawn].sum(axis=1))
    ordered = np.sort(np.concatenate(means))
    outside = (1 - CONFIDENCE) / 2
    return Interval(
        mean=math.fsum(sums_S) / int(tokens_S.sum()),
        low=float(ordered[_rank(outside, resamples)]),
        high=float(ordered[_rank(1 - outside, resamples)]),
    )


def _rank(share: float, number: int) -> int:
    """The place of a percentile among so many in order, from 0."""
    return max(0, math.ceil(round(share * number, 6)) - 1)
