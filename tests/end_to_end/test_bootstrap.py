"""Intervals of a mean for a token: what texts drawn again give, one draw after another."""

import math

import numpy as np
import pytest

from hubmaxact.measurement.assembly import bootstrap

SUMS = np.array([0.5, -2.0, 3.25, 0.0, 8.0, 1.5])
TOKENS = np.array([3, 1, 9, 2, 30, 4])


def by_loops(sums, tokens, resamples, seed):
    """The same in plain Python, from the same stream of draws."""
    draw, means = np.random.Generator(np.random.PCG64(seed)), []
    for _ in range(resamples):
        texts = draw.integers(0, len(sums), size=len(sums))
        means.append(sum(sums[t] for t in texts) / sum(tokens[t] for t in texts))
    means.sort()
    low, high = (means[math.ceil(share * resamples) - 1] for share in (0.025, 0.975))
    return sum(sums) / sum(tokens), low, high


@pytest.mark.parametrize("seed", [0, 7])
def test_intervals_are_those_of_loops(seed):
    found = bootstrap.interval(SUMS, TOKENS, resamples=1000, seed=seed)
    expected = by_loops(SUMS.tolist(), TOKENS.tolist(), 1000, seed)
    assert (found["mean"], found["low"], found["high"]) == pytest.approx(expected, rel=1e-12)
    assert found["low"] < found["mean"] < found["high"]


def test_an_interval_is_the_same_however_many_are_drawn_at_once(monkeypatch):
    found = bootstrap.interval(SUMS, TOKENS)
    monkeypatch.setattr(bootstrap, "DRAWN_AT_ONCE", 60)
    assert bootstrap.interval(SUMS, TOKENS) == found == bootstrap.interval(SUMS, TOKENS)


def test_one_text_has_no_width():
    found = bootstrap.interval(np.array([3.0]), np.array([4]), resamples=10)
    assert found == {"mean": 0.75, "low": 0.75, "high": 0.75}


def test_nineteen_of_twenty_intervals_hold_the_truth():
    """Texts from a known law: the mean is 1, and an interval misses it about 1 time in 20."""
    choice, held = np.random.default_rng(3), 0
    for _ in range(200):
        tokens = choice.integers(5, 50, 64)
        sums = tokens * choice.normal(1.0, 0.5, 64)
        found = bootstrap.interval(sums, tokens, resamples=400)
        held += found["low"] <= 1.0 <= found["high"]
    assert 180 <= held <= 198
