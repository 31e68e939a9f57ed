"""State is right in any order: sums equal fractions, largest values and massive tokens brute force.

That any order gives the same bits is the contract of every accumulator
(`measurement/test_accumulators.py`).
"""

import math
from dataclasses import asdict
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.bf16_histogram import Bf16Histogram
from hubmaxact.measurement.statistics.exact_sums import ExactSums
from hubmaxact.measurement.statistics.float_values import FloatValues
from hubmaxact.measurement.statistics.massive_tokens import Massive
from hubmaxact.measurement.statistics.rows import Rows, Tokens
from hubmaxact.measurement.statistics.sample_maxima import SampleMaxima
from hubmaxact.measurement.statistics.stretches import num_stretches, stretch_of
from hubmaxact.measurement.statistics.top_values import TopValues
from oracle import brute
from oracle.capture import Captured
from oracle.order import chunks, every_way, facts

SUMS = 1e-12
LARGEST = torch.finfo(torch.float32).max
EDGES = [
    0.0, -0.0, 1.0, -1.0, 1e-45, -1e-45, 1.1754943e-38, 1.1754942e-38, LARGEST, -LARGEST,
    16777215.0, 2.0**-126, 1 / 3, 65504.0, 3.3895313892515355e38,
]  # fmt: skip
BITS_16 = st.integers(0, 0xFFFF)
BITS_32 = st.one_of(
    st.integers(0, 0xFFFFFFFF),
    st.sampled_from([int(np.float32(value).view(np.uint32)) for value in EDGES]),
)
CUTS = st.lists(st.integers(0, 60), max_size=4)


def bf16(bits):
    return torch.from_numpy(np.array(bits, dtype=np.uint16).view(np.int16)).view(torch.bfloat16)


def float32(bits):
    return torch.from_numpy(np.array(bits, dtype=np.uint32).view(np.int32)).view(torch.float32)


def float16(bits):
    return torch.from_numpy(np.array(bits, dtype=np.uint16).view(np.int16)).view(torch.float16)


BF16S = st.lists(BITS_16, max_size=60).map(bf16)
FLOAT32S = st.lists(BITS_32, max_size=60).map(float32)
FLOAT16S = st.lists(BITS_16, max_size=60).map(float16)


def assert_describes(found, values):
    """A distribution against the values themselves, exactly."""
    x = values.double().numpy()
    finite = x[np.isfinite(x)]
    assert found["count"] == x.size
    assert (found["num_nan"], found["num_inf"]) == (np.isnan(x).sum(), np.isinf(x).sum())
    assert found["num_zeros"] == (finite == 0).sum()
    if finite.size == 0:
        assert found["min"] is found["max"] is found["mean"] is found["abs_max"] is None
        return
    assert (found["min"], found["max"]) == (finite.min(), finite.max())
    assert found["abs_max"] == np.abs(finite).max()
    assert found["num_ties"] == (np.abs(finite) == np.abs(finite).max()).sum()
    exact = [Fraction(value) for value in finite.tolist()]
    abs_mean = sum(map(abs, exact)) / len(exact)
    mean = sum(exact) / len(exact)
    assert abs(Fraction(found["mean"]) - mean) <= Fraction(SUMS) * abs_mean
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)
    # A tiny variance beside a huge mean is lost in float64, whoever computes it.
    assert found["std"] == pytest.approx(math.sqrt(variance), rel=1e-9, abs=1e-14 * abs_mean)
    near = {"rel": SUMS, "abs": 0}
    assert found["abs_mean"] == pytest.approx(float(abs_mean), **near)
    squares = float(sum(value * value for value in exact))
    assert found["square_total"] == pytest.approx(squares, **near)
    assert found["rms"] == pytest.approx(math.sqrt(squares / len(exact)), **near)


def assert_quantiles(found, values):
    captured = Captured(values[:, None], *[np.zeros(len(values))] * 4)
    if bool(values.isfinite().any()):
        expected = [brute.abs_quantile(captured, level) for level in brute.LEVELS]
        assert found["bins"][2] == expected


@settings(max_examples=100, deadline=None, derandomize=True)
@given(BF16S, CUTS)
def test_a_histogram_is_exact_and_order_free(x, cuts):
    states = every_way(Bf16Histogram, Bf16Histogram.update, chunks(x, cuts))
    found = [facts(state.result()) for state in states]
    assert all(other == found[0] for other in found)
    assert_describes(found[0], x)
    assert_quantiles(found[0], x)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.one_of(FLOAT32S, FLOAT16S), CUTS)
def test_float_values_are_exact_and_order_free(x, cuts):
    states = every_way(FloatValues, FloatValues.update, chunks(x, cuts))
    found = [facts(state.result()) for state in states]
    assert all(other == found[0] for other in found)
    assert_describes(found[0], x)
    assert_quantiles(found[0], x)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(FLOAT32S, CUTS)
def test_exact_sums_equal_fractions(x, cuts):
    x = x[x.isfinite()]
    values = [Fraction(value) for value in x.tolist()]
    expected = sum(values), sum(map(abs, values)), sum(value * value for value in values)
    for state in every_way(ExactSums, ExactSums.update, chunks(x, cuts)):
        assert state.result() == expected


@pytest.mark.parametrize("value", EDGES)
def test_exact_sums_of_many_equal_values_are_exact(value):
    count = 100_003
    sums = ExactSums()
    sums.update(torch.full((count,), value))
    exact = Fraction(torch.tensor(value).item())
    assert sums.result() == (count * exact, count * abs(exact), count * exact * exact)


def captured_rows(data, num_rows, width):
    """Rows of few different values, so that ties are common, with coordinates in any order."""
    pool = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 150.0, -150.0, 0.001, 2e5, math.nan, math.inf]
    cells = st.lists(st.sampled_from(pool), min_size=width, max_size=width)
    rows = data.draw(st.lists(cells, min_size=num_rows, max_size=num_rows))
    places = data.draw(st.permutations([(s, p) for s in range(num_rows) for p in range(2)]))
    token = data.draw(st.lists(st.integers(0, 6), min_size=num_rows, max_size=num_rows))
    sample, position = np.array(places[:num_rows]).T
    split = np.full(num_rows, "rest", dtype=object)
    return Captured(torch.tensor(rows), sample, position, np.array(token), split)


def tokens_of(captured, rows):
    """hubmaxact's tokens of some rows."""
    distinct, group = np.unique(captured.token_id[rows], return_inverse=True)
    stretch = stretch_of(captured.sample[rows], captured.position[rows])
    columns = (stretch, captured.position[rows], captured.token_id[rows], group)
    return Tokens(torch.from_numpy(np.stack(columns).astype(np.int64)), len(distinct))


def by_rows(captured, dtype):
    """How an accumulator takes a tensor of row numbers."""
    x = captured.values.to(dtype)

    def update(state, rows):
        state.update(Rows.of(x[rows], tokens_of(captured, rows.numpy()), Split.REST))

    return update


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data(), st.sampled_from([torch.bfloat16, torch.float32]), CUTS)
def test_token_statistics_are_right_and_order_free(data, dtype, cuts):
    num_rows, width = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 5))
    captured = captured_rows(data, num_rows, width)
    captured.values = captured.values.to(dtype)
    update = by_rows(captured, dtype)
    parts = chunks(torch.arange(num_rows), cuts)
    for state in every_way(TopValues, update, parts):
        assert [as_row(value) for value in state.result()] == brute.top(captured)
    for state in every_way(Massive, update, parts):
        assert asdict(state.result()) == brute.massive(captured.exact)
    expected = brute.sample_maxima({("embedding", None, None): captured}, num_rows)
    later = captured.after_first_token()
    later = brute.sample_maxima({("embedding", None, None): later}, num_rows)
    for state in every_way(lambda: SampleMaxima(num_stretches(num_rows)), update, parts):
        assert list(state.result()) == expected.tolist()
        assert list(state.after_first_token()) == later.tolist()


def as_row(value):
    return {
        "value": value.value,
        "sample": value.sample,
        "token_position": value.position,
        "token_id": value.token_id,
        "channel": value.channel,
    }


@pytest.mark.parametrize("num_tokens", [1, 3, 40])
@pytest.mark.parametrize("value", [0.0, -2.5])
def test_thousands_of_equal_values_are_thinned_in_order(num_tokens, value):
    rows = np.random.default_rng(4).permutation(900)
    captured = Captured(
        torch.full((900, 16), value), rows // 30, rows % 30, rows % num_tokens, rows.astype(object)
    )
    states = every_way(
        TopValues, by_rows(captured, torch.float32), chunks(torch.arange(900), [310, 333])
    )
    for state in states:
        assert [as_row(value) for value in state.result()] == brute.top(captured)
