"""Single values become the nearest number of the format's own list, of two the even one."""

import numpy as np
import pytest
import torch
from measurement.rounding.numbers import NUMBERS, all_bf16, around, nearest

from hubmaxact.measurement.rounding.elements import to_e2m1, to_e4m3, to_e5m2, to_integer

TO = {
    "int8": lambda x: to_integer(x, -127.0, 127.0),
    "float8_e4m3fn": to_e4m3,
    "float8_e5m2": to_e5m2,
    "e2m1": to_e2m1,
}


@pytest.mark.parametrize("name", NUMBERS)
def test_every_value_becomes_the_nearest_number(name):
    x = torch.cat([all_bf16(), around(NUMBERS[name])])
    found = TO[name](x).numpy()
    wanted = nearest(x.numpy(), NUMBERS[name])
    np.testing.assert_array_equal(found.view(np.int32), wanted.view(np.int32))


@pytest.mark.parametrize(
    ("name", "number", "largest"),
    [("float8_e4m3fn", 127, 448.0), ("float8_e5m2", 124, 57344.0), ("e2m1", 8, 6.0)],
)
def test_the_lists_are_those_of_the_formats(name, number, largest):
    assert (len(NUMBERS[name]), NUMBERS[name][-1]) == (number, largest)


def test_ties_of_fp4_are_those_of_its_specification():
    ties = torch.tensor([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0])
    assert to_e2m1(ties).tolist() == [0.0, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0]


@pytest.mark.parametrize("name", TO)
def test_what_is_infinite_saturates_and_what_is_nan_stays(name):
    found = TO[name](torch.tensor([torch.inf, -torch.inf, torch.nan]))
    assert found[:2].tolist() == [NUMBERS[name][-1], -NUMBERS[name][-1]]
    assert found[2].isnan()
