"""What routed experts receive and show; numbers beyond the last expert stand for none."""

import math

import pytest
import torch

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.experts import ExpertMaxima, RoutedTokens
from hubmaxact.measurement.statistics.rows import Rows, Tokens


def rows_of(x_TD, experts, dtype=torch.float32):
    number = torch.arange(len(x_TD))
    tokens = Tokens(torch.stack([number] * 4), len(x_TD))
    return Rows.of(torch.tensor(x_TD, dtype=dtype), tokens, Split.REST, experts)


def test_tokens_are_counted_by_expert_and_no_expert_is_not_one():
    routed = RoutedTokens(3)
    routed.update(torch.tensor([[0, 2], [2, 3], [2, 4]]))
    assert routed.result() == (1, 0, 3)
    routed.update(torch.tensor([[3, 3]]))
    routed.update(torch.empty(0, 2, dtype=torch.int64))
    assert routed.result() == (1, 0, 3)


def test_counts_of_two_merge():
    one, other = RoutedTokens(2), RoutedTokens(2)
    one.update(torch.tensor([[0, 1]]))
    other.update(torch.tensor([[1, 1]]))
    one.merge(other)
    assert (one.result(), other.result()) == ((1, 3), (0, 2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", [torch.int64, torch.int32])
def test_the_largest_value_of_each_expert(dtype, kind):
    x_TD = [[1.0, -6.0], [2.0, 4.0], [9.0, 0.0], [-3.0, 0.5], [8.0, 8.0]]
    maxima = ExpertMaxima(4)
    maxima.update(rows_of(x_TD, torch.tensor([0, 0, 4, 2, 5], dtype=kind), dtype))
    assert maxima.result() == (6.0, -1.0, 3.0, -1.0)


def test_an_expert_that_shows_nothing_finite_has_no_maximum():
    x_TD = [[math.nan, math.inf], [0.0, math.nan], [-math.inf, -2.0]]
    maxima = ExpertMaxima(3)
    maxima.update(rows_of(x_TD, torch.tensor([0, 1, 2])))
    assert maxima.result() == (-1.0, 0.0, 2.0)


def test_maxima_of_two_merge():
    one, other = ExpertMaxima(3), ExpertMaxima(3)
    one.update(rows_of([[5.0], [1.0]], torch.tensor([0, 1])))
    other.update(rows_of([[4.0], [-2.0]], torch.tensor([0, 1])))
    one.merge(other)
    assert (one.result(), other.result()) == ((5.0, 2.0, -1.0), (4.0, 2.0, -1.0))


def test_rows_of_tokens_are_refused():
    with pytest.raises(ValueError, match="expected rows of experts"):
        ExpertMaxima(1).update(rows_of([[1.0]], None))
