"""Magnitudes of rows, and the tokens behind them."""

import math

import pytest
import torch

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.rows import Rows, Tokens
from hubmaxact.measurement.statistics.sample_maxima import SampleMaxima

TOKENS = Tokens(torch.tensor([[0, 0, 2], [4, 5, 6], [70, 80, 70], [0, 1, 0]]), 2)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_has_no_magnitude(odd):
    x_TD = torch.tensor([[odd, -3.0], [1.0, 2.0], [odd, odd]])
    rows = Rows.of(x_TD, TOKENS, Split.REST)
    assert rows.abs_TD.tolist() == [[-1.0, 3.0], [1.0, 2.0], [-1.0, -1.0]]
    assert rows.row_max_T.tolist() == [3.0, 2.0, -1.0]
    assert rows.x_TD is x_TD


def test_finite_rows_have_theirs():
    rows = Rows.of(torch.tensor([[0.5, -3.0], [-0.0, 0.0], [7.0, 1.0]]), TOKENS, Split.REST)
    assert rows.abs_TD.tolist() == [[0.5, 3.0], [0.0, 0.0], [7.0, 1.0]]
    assert rows.row_max_T.tolist() == [3.0, 0.0, 7.0]


def test_tokens_are_taken_in_any_order_and_again():
    taken = TOKENS.take(torch.tensor([2, 0, 2]))
    assert taken.columns_4T.tolist() == [[2, 0, 2], [6, 4, 6], [70, 70, 70], [0, 0, 0]]
    assert taken.num_groups == 2
    assert TOKENS.sample.tolist() == [0, 0, 2]
    assert TOKENS.group.tolist() == [0, 1, 0]


def test_tokens_move_to_a_device_whole():
    moved = TOKENS.to(torch.device("meta"))
    assert moved.columns_4T.device.type == "meta"
    assert (moved.columns_4T.shape, moved.num_groups) == (TOKENS.columns_4T.shape, 2)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_the_largest_value_of_each_sample(dtype):
    maxima = SampleMaxima(4)
    maxima.update(Rows.of(torch.tensor([[1.0], [-5.0], [3.0]], dtype=dtype), TOKENS, Split.REST))
    assert maxima.result() == (5.0, -1.0, 3.0, -1.0)
    x_TD = torch.tensor([[2.0], [math.nan], [-8.0]], dtype=dtype)
    maxima.update(Rows.of(x_TD, TOKENS, Split.REST))
    assert maxima.result() == (5.0, -1.0, 8.0, -1.0)
