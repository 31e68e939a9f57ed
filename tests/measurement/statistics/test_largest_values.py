"""The largest values in places where equals meet: signs, thousands of candidates, few tokens."""

import math

import pytest
import torch

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.rows import Rows, Tokens
from hubmaxact.measurement.statistics.top_values import TopValues

ENOUGH_TO_THIN = 4097


def rows_of(x_TD, token_ids, position=None):
    """Rows of one sample; a row's position is its number unless said."""
    distinct, group = torch.unique(torch.tensor(token_ids), return_inverse=True)
    number = torch.arange(len(token_ids))
    columns = [
        torch.zeros_like(number),
        number if position is None else torch.tensor(position),
        torch.tensor(token_ids),
        group,
    ]
    return Rows.of(x_TD, Tokens(torch.stack(columns), len(distinct)), Split.REST)


def top_of(*seen):
    """(value, position, channel, token id) of the largest values of some rows."""
    top = TopValues()
    for rows in seen:
        top.update(rows)
    return [(v.value, v.position, v.channel, v.token_id) for v in top.result()]


def test_equal_magnitudes_order_by_place_whatever_their_sign():
    x_TD = torch.tensor([[3.0, -3.0], [-3.0, 3.0]])
    assert top_of(rows_of(x_TD, [8, 7])) == [
        (3.0, 0, 0, 8),
        (-3.0, 0, 1, 8),
        (-3.0, 1, 0, 7),
        (3.0, 1, 1, 7),
    ]


@pytest.mark.parametrize("num_rows", [2, ENOUGH_TO_THIN])
@pytest.mark.parametrize("values", [(2.5, -2.5), (-2.5, 2.5)])
def test_of_opposite_values_at_one_place_the_negative_one_comes_first(num_rows, values):
    """Several experts see one token."""
    x_TD = torch.tensor(values).repeat(num_rows)[:num_rows, None]
    seen = rows_of(x_TD, [4] * num_rows, position=[9] * num_rows)
    assert top_of(seen) == [(-2.5, 9, 0, 4)]


def test_zeros_have_no_sign():
    (value,) = top_of(rows_of(torch.tensor([[-0.0]]), [4]))
    assert math.copysign(1.0, value[0]) == 1.0


@pytest.mark.parametrize("num_rows", [4096, ENOUGH_TO_THIN])
def test_thousands_of_equal_candidates_give_the_first_of_each_token_and_channel(num_rows):
    token_ids = [row % 2 for row in range(num_rows)]
    x_TD = torch.full((num_rows, 2), -1.5)
    x_TD[-1, 1] = 7.0
    last = (7.0, num_rows - 1, 1, token_ids[-1])
    others = [(-1.5, row, channel, row) for row in (0, 1) for channel in (0, 1)]
    others = [value for value in others if value[2:] != last[2:]]
    assert top_of(rows_of(x_TD, token_ids)) == [last, *others]


def test_candidates_of_thousands_of_tokens_stay_apart():
    """Neither a large token id nor a channel hides another."""
    num_rows = ENOUGH_TO_THIN
    token_ids = [2**31 - 1 - row for row in range(num_rows)]
    found = top_of(rows_of(torch.full((num_rows, 1), 1.0), token_ids))
    assert found == [(1.0, row, 0, 2**31 - 1 - row) for row in range(5)]


@pytest.mark.parametrize("width", [1, 2])
def test_five_tokens_bound_the_fifth_largest_value_from_below(width):
    """Each of five tokens brings one value; more of them may come from one token."""
    x_TD = torch.tensor([[9.0, 8.0], [5.0, 7.0], [6.0, 1.0], [4.0, 1.0], [2.0, 1.0]])[:, :width]
    expected = {
        1: [(9.0, 0), (6.0, 2), (5.0, 1), (4.0, 3), (2.0, 4)],
        2: [(9.0, 0), (8.0, 0), (7.0, 1), (6.0, 2), (5.0, 1)],
    }[width]
    assert [value[:2] for value in top_of(rows_of(x_TD, [1, 2, 3, 4, 5]))] == expected


def test_what_equals_the_last_of_five_displaces_it_from_an_earlier_place():
    late = rows_of(torch.full((5, 1), 2.0), [1, 2, 3, 4, 5], position=[10, 11, 12, 13, 14])
    early = rows_of(torch.tensor([[2.0], [-2.0]]), [6, 1], position=[3, 4])
    assert top_of(late, early) == [
        (2.0, 3, 0, 6),
        (-2.0, 4, 0, 1),
        (2.0, 11, 0, 2),
        (2.0, 12, 0, 3),
        (2.0, 13, 0, 4),
    ]


def test_a_better_value_of_a_kept_token_and_channel_replaces_it():
    first = rows_of(torch.tensor([[5.0, 4.0], [3.0, 2.0], [1.0, 0.5]]), [1, 2, 3])
    second = rows_of(torch.tensor([[-6.0, 0.25]]), [1], position=[7])
    assert top_of(first, second) == [
        (-6.0, 7, 0, 1),
        (4.0, 0, 1, 1),
        (3.0, 1, 0, 2),
        (2.0, 1, 1, 2),
        (1.0, 2, 0, 3),
    ]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([4.0], [9.0, 8.0, 7.0, 6.0, 5.0]),
        ([-5.5], [9.0, 8.0, 7.0, 6.0, -5.5]),  # below the fourth
        ([4.0, -5.5, 8.5], [9.0, 8.5, 8.0, 7.0, 6.0]),
        ([-10.0], [-10.0, 9.0, 8.0, 7.0, 6.0]),
    ],
)
def test_later_values_find_their_place_among_the_five(later, expected):
    first = rows_of(torch.tensor([[9.0], [8.0], [7.0], [6.0], [5.0]]), [1, 2, 3, 4, 5])
    number = range(5, 5 + len(later))
    second = rows_of(torch.tensor(later)[:, None], [n + 1 for n in number], position=list(number))
    assert [value[0] for value in top_of(first, second)] == expected
    assert [value[0] for value in top_of(second, first)] == expected


def test_of_thousands_of_candidates_those_of_one_row_order_by_channel():
    x_TD = torch.tensor([2.5] * 5 + [-2.5] * 3).repeat(ENOUGH_TO_THIN // 8 + 1, 1)
    found = top_of(rows_of(x_TD, list(range(len(x_TD)))))
    assert found == [(2.5, 0, channel, 0) for channel in range(5)]


def test_a_state_of_nothing_has_its_four_columns():
    assert TopValues().state()["places"].shape == (0, 4)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_never_among_them(odd):
    x_TD = torch.tensor([[odd, odd], [1.0, odd], [odd, odd], [odd, -2.0], [odd, odd], [odd, odd]])
    found = top_of(rows_of(x_TD, [1, 2, 3, 4, 5, 6]))
    assert found == [(-2.0, 3, 1, 4), (1.0, 1, 0, 2)]
