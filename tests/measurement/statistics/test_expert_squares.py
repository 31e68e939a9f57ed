"""Sums of squares by expert: those of each one's own rows, and merged to the same bits."""

import math

import pytest
import torch

from hubmaxact.measurement.statistics.expert_squares import ExpertSquares, Reached

NUM_EXPERTS, NONE = 5, 7


def made(seed, num_rows=40, width=6):
    """Rows of integers, whose sums are exact, and who gets each: two experts, or one and none."""
    choice = torch.Generator().manual_seed(seed)
    x = torch.randint(-8, 9, (num_rows, width), generator=choice).to(torch.bfloat16)
    chosen = torch.rand((num_rows, NUM_EXPERTS), generator=choice).argsort(dim=1)[:, :2]
    return x, chosen.where(chosen > 0, NONE)


def of(*seen):
    squares = ExpertSquares(NUM_EXPERTS)
    for x, chosen in seen:
        squares.update(Reached(x, chosen))
    return squares


def brute(*seen):
    sums, rows = [[0] * 6 for _ in range(NUM_EXPERTS)], [0] * NUM_EXPERTS
    for x, chosen in seen:
        for row, experts in zip(x.tolist(), chosen.tolist(), strict=True):
            for expert in experts:
                if expert < NUM_EXPERTS:
                    rows[expert] += 1
                    sums[expert] = [s + v * v for s, v in zip(sums[expert], row, strict=True)]
    return sums, tuple(rows)


def test_each_expert_has_the_sums_of_its_own_rows():
    seen = [made(seed) for seed in range(3)]
    sums, rows = brute(*seen)
    found = of(*seen).result()
    assert (found.sums_ED.tolist(), found.num_rows) == (sums, rows)
    assert rows[0] == 0
    assert min(rows[1:]) > 0


def test_what_was_seen_apart_is_the_same_together():
    seen = [made(seed) for seed in range(4)]
    merged, last = of(*seen[2:]), of(*seen[:2])
    merged.merge(last)
    again = ExpertSquares(NUM_EXPERTS)
    again.load(merged.state())
    assert again.result().sums_ED.tolist() == of(*seen).result().sums_ED.tolist()
    assert again.result().num_rows == of(*seen).result().num_rows


def test_what_one_expert_cannot_sum_leaves_the_others_theirs():
    x, chosen = made(0)
    row = chosen[:, 0].argmin()  # of an expert, not of none
    broken, one = x.clone(), chosen[row, 0]
    broken[row, 2], chosen[row, 1] = math.nan, NONE
    found, whole = of((broken, chosen)).result().sums_ED, of((x, chosen)).result().sums_ED
    assert found[one, 2] == math.inf
    found[one, 2] = whole[one, 2]
    assert found.tolist() == whole.tolist()


def test_before_the_first_row_there_are_no_channels():
    nothing = of((torch.empty(0, 6), torch.empty((0, 2), dtype=torch.long)))
    assert nothing.result().sums_ED.shape == (NUM_EXPERTS, 0)
    nothing.merge(of(made(1)))
    assert nothing.result().num_rows == of(made(1)).result().num_rows


def test_rows_that_do_not_say_whose_they_are_are_refused():
    with pytest.raises(ValueError, match="expected rows of experts"):
        Reached.one_each(torch.ones(2, 6), None)
    with pytest.raises(ValueError, match="channels, got"):
        of(made(1), made(1, width=8))
