"""What is inferred beyond a corpus: right as often as it says, or refused."""

import math

import numpy as np
import pytest

from hubmaxact.measurement.assembly.certainty.bf16_cells import (
    exceedances,
    pattern_at_least,
    value_of,
)
from hubmaxact.measurement.assembly.certainty.chi_square import upper_tail
from hubmaxact.measurement.assembly.certainty.goodness_of_fit import p_value, shares
from hubmaxact.measurement.assembly.certainty.pareto_tail import ParetoTail
from hubmaxact.measurement.assembly.certainty.tail import tail_or_reason

NUM_TEXTS = 1000


def bf16(values):
    """The nearest bf16 values, as a model in bf16 makes them."""
    bits = np.asarray(values, np.float32).view(np.int32).astype(np.int64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16
    return rounded.astype(np.int32).view(np.float32).astype(np.float64)


def pareto(shape):
    return lambda random, number: 100 + 30 * (random.random(number) ** -shape - 1) / shape


TAILS = {
    "an end": pareto(-0.3),
    "exponential": lambda random, number: 100 + 30 * random.exponential(size=number),
    "heavy": pareto(0.25),
    "half normal": lambda random, number: 50 + 10 * abs(random.normal(size=number)),
    "log-normal": lambda random, number: np.exp(random.normal(size=number) / 2 + 3),
}


@pytest.mark.by_day("heavy")
@pytest.mark.parametrize("draw", TAILS.values(), ids=TAILS)
def test_ten_times_the_texts_end_where_it_says_as_often_as_it_says(draw):
    random = np.random.default_rng(11)
    beyond = below_median = told = 0
    for _ in range(120):
        seen = bf16(draw(random, NUM_TEXTS))
        tail, _ = tail_or_reason(list(seen))
        if tail is not None:
            largest = max(seen.max(), bf16(draw(random, 9 * NUM_TEXTS)).max())
            told += 1
            beyond += largest > tail["high"]
            below_median += largest <= tail["median"]
            assert seen.max() <= tail["low"] <= tail["median"] <= tail["high"]
    assert told >= 100  # a good fit is refused one time in twenty, or a little more often
    # 5 % beyond and 50 % below, give or take three standard deviations of as many draws
    assert beyond / told <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / told)
    assert abs(below_median / told - 0.5) <= 0.03 + 3 * math.sqrt(0.25 / told)


@pytest.mark.by_day("-0.4")
@pytest.mark.parametrize("shape", [-0.4, 0.2])
def test_a_pareto_tail_is_found_again_though_bf16_ties_it(shape):
    random = np.random.default_rng(3)
    values = bf16(pareto(shape)(random, 250))
    seen = exceedances(list(values), 249)
    assert seen.num_distinct < 150
    fitted = [
        ParetoTail(exceedances(list(bf16(pareto(shape)(random, 250))), 250)).shape
        for _ in range(40)
    ]
    assert np.mean(fitted) == pytest.approx(shape, abs=0.05)


@pytest.mark.nightly
def test_p_values_of_true_tails_are_even_and_those_of_others_are_nothing():
    random = np.random.default_rng(4)
    found = [
        p_value(ParetoTail(exceedances(list(bf16(pareto(0.1)(random, 2000))), 100)))
        for _ in range(150)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=0.1)
    lumps = np.where(random.random(2000) < 0.02, 300.0, 100 + 10 * random.random(2000))
    assert p_value(ParetoTail(exceedances(list(bf16(lumps)), 100))) < 1e-6


def test_expected_shares_of_cells_add_up_to_one_whatever_lies_beyond():
    values = bf16(pareto(0.3)(np.random.default_rng(6), 1000))
    assert shares(ParetoTail(exceedances(list(values), 60))).sum() == pytest.approx(1, abs=1e-12)


def test_a_cell_reaches_halfway_to_its_neighbours():
    seen = exceedances([0.5, 2.0, 1.0, 1.0117, 1.0078125, 4.0], 5)  # 1.0117 is nearest 1.0078125
    assert seen.threshold == 1 - 2.0**-9  # bf16 is finer below 1
    assert (seen.number, seen.num_distinct) == (5, 4)
    edges = seen.threshold + np.array([seen.lower_C[0], seen.upper_C[0], seen.upper_C[1]])
    assert edges.tolist() == [1 - 2.0**-9, 1 + 2.0**-8, 1 + 3 * 2.0**-8]
    assert seen.upper_C[-1] + seen.threshold == 4 + 2.0**-6
    assert seen.counts_C[[0, 1, 128, 256]].tolist() == [1, 2, 1, 1]


def peaks(*, repeated):
    """Ordinary maxima, and one peak that a first token repeats in many texts."""
    values = list(bf16(TAILS["exponential"](np.random.default_rng(9), NUM_TEXTS)))
    return [7968.0] * repeated + values[repeated:]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "0 texts are too few to infer from: 500 are needed"),
        ([1.0], "1 text is too few to infer from: 500 are needed"),
        ([float(n) for n in range(499)], "499 texts are too few to infer from: 500 are needed"),
        ([0.0] * NUM_TEXTS, "1,000 texts tie with the 50 largest maxima or exceed them"),
        (peaks(repeated=NUM_TEXTS), "1,000 texts tie with the 50 largest maxima or exceed them"),
        (peaks(repeated=101), "101 texts tie with the 50 largest maxima or exceed them"),
        (peaks(repeated=100), "the 100 largest maxima are 1 distinct value: 8 are needed"),
        (
            [1.0] * 900 + [64.0] * 80 + [65.0] * 15 + [66.0] * 5,
            "the 100 largest maxima are 3 distinct values: 8 are needed",
        ),
        (
            list(bf16(pareto(0.8)(np.random.default_rng(2), NUM_TEXTS))),
            "the 50 largest maxima have so heavy a tail (shape",
        ),
    ],
)
def test_what_bears_no_tail_is_refused_in_a_sentence(values, reason):
    tail, said = tail_or_reason(values)
    assert tail is None
    assert said.startswith(reason)


def test_two_kinds_of_texts_are_no_tail():
    tail, said = tail_or_reason(peaks(repeated=30))
    assert tail is None
    assert "follow no generalized Pareto tail (chi-square, p = " in said


def test_the_same_texts_say_the_same_in_any_order():
    values = list(TAILS["log-normal"](np.random.default_rng(8), NUM_TEXTS))  # as of float32
    tail, _ = tail_or_reason(values)
    assert tail == tail_or_reason(values[::-1])[0]
    assert tail["threshold"] < max(values) <= tail["low"]


@pytest.mark.parametrize(
    ("statistic", "degrees", "share"),
    [  # of tables
        (0.0, 1, 1.0), (0.0, 4, 1.0), (3.841459, 1, 0.05), (5.991465, 2, 0.05),
        (7.814728, 3, 0.05), (18.307038, 10, 0.05), (24.995790, 15, 0.05), (3.053, 11, 0.99),
        (36.190869, 19, 0.01), (900.0, 3, 0.0),
    ],
)  # fmt: skip
def test_upper_tails_of_chi_square(statistic, degrees, share):
    assert upper_tail(statistic, degrees) == pytest.approx(share, abs=2e-5)


def test_patterns_are_the_numbers_not_below():
    assert [value_of(pattern_at_least(x)) for x in (0.0, 1.0, 1.001, 103936.0, 3.4028234e38)] == [
        0.0, 1.0, 1.0078125, 103936.0, 3.3895313892515355e38,
    ]  # fmt: skip
