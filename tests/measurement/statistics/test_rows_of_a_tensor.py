"""Magnitudes of rows, and the tokens behind them."""

import math

import numpy as np
import pytest
import torch

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.rows import Rows, Tokens
from hubmaxact.measurement.statistics.sample_maxima import SampleMaxima
from hubmaxact.measurement.statistics.stretches import num_stretches, sample_of, stretch_of

TOKENS = Tokens(torch.tensor([[19, 19, 32], [4, 5, 0], [70, 80, 70], [0, 1, 0]]), 2)


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
    assert taken.columns_4T.tolist() == [[32, 19, 32], [0, 4, 0], [70, 70, 70], [0, 0, 0]]
    assert taken.num_groups == 2
    assert TOKENS.stretch.tolist() == [19, 19, 32]
    assert TOKENS.group.tolist() == [0, 1, 0]


def test_tokens_move_to_a_device_whole():
    moved = TOKENS.to(torch.device("meta"))
    assert moved.columns_4T.device.type == "meta"
    assert (moved.columns_4T.shape, moved.num_groups) == (TOKENS.columns_4T.shape, 2)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_the_largest_value_of_each_sample(dtype):
    maxima = SampleMaxima(num_stretches(4))
    maxima.update(Rows.of(torch.tensor([[1.0], [-5.0], [3.0]], dtype=dtype), TOKENS, Split.REST))
    assert maxima.result() == (-1.0, 5.0, 3.0, -1.0)
    x_TD = torch.tensor([[2.0], [math.nan], [-8.0]], dtype=dtype)
    maxima.update(Rows.of(x_TD, TOKENS, Split.REST))
    assert maxima.result() == (-1.0, 5.0, 8.0, -1.0)
    assert maxima.after_first_token() == (-1.0, 5.0, -1.0, -1.0)
    by_stretch = dict(enumerate(maxima.by_stretch()))
    assert by_stretch.pop(0) == (-1.0, -1.0, 8.0, -1.0)
    assert by_stretch.pop(3) == (-1.0, 5.0, -1.0, -1.0)
    assert set(by_stretch.values()) == {(-1.0,) * 4}


def test_stretches_ascend_with_samples_and_positions():
    sample, position = np.indices((2, 10)).reshape(2, 20)
    of_one = [0, 1, 2, 2, 3, 3, 3, 3, 4, 4]
    assert stretch_of(sample, position).tolist() == [*of_one, *(16 + place for place in of_one)]
    ends = [(1 << doubling) - 1 for doubling in range(15)]
    assert [stretch_of(2, end) for end in ends] == list(range(32, 47))
    assert [stretch_of(2, end + 1) for end in (*ends, 1 << 23)] == [*range(33, 48), 47]
    assert [sample_of(number) for number in range(0, num_stretches(3), 5)] == [
        0, 0, 0, 0, 1, 1, 1, 2, 2, 2
    ]  # fmt: skip
