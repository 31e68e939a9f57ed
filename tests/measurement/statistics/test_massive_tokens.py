"""Which tokens are massive: both limits are exclusive, the median is the lower one of |x|."""

import math

import pytest
import torch

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.massive_tokens import Massive, MassiveTokens
from hubmaxact.measurement.statistics.rows import Rows, Tokens


def massive_among(rows, dtype=torch.float32):
    """What is massive among rows whose tokens are all different."""
    number = torch.arange(len(rows))
    tokens = Tokens(torch.stack([number] * 4), len(rows))
    massive = Massive()
    massive.update(Rows.of(torch.tensor(rows, dtype=dtype), tokens, Split.REST))
    return massive.result()


@pytest.mark.parametrize(
    ("row", "num_tokens", "ratio"),
    [
        ([-2.0, 1.0, 4096.0, 8.0], 1, 2048.0),  # the lower of the two middle ones, by |x|
        ([-4096.0, 2.0, 2.0], 1, 2048.0),
        ([0.0625, 0.0625, 100.0], 0, 1600.0),
        ([0.0625, 0.0625, -101.0], 1, 1616.0),
        ([1.0, 1.0, 1000.0], 0, 1000.0),
        ([1.0, 1.0, 1001.0], 1, 1001.0),
        ([0.5, 0.5, 99.0], 0, 198.0),
        ([0.0, 1.0, 2000.0], 1, 2000.0),
        ([0.0, 0.0, 500.0, 500.0], 0, None),
        ([1.0, 1.0, 5000.0, math.nan], 0, None),
        ([1.0, 1.0, 5000.0, -math.inf], 0, None),
        ([math.nan, math.nan, math.inf], 0, None),
        ([-7.0], 0, 1.0),
        ([1e-45, 1e-45, 1.0], 0, 2.0**149),
    ],
)
def test_a_token_is_massive_beyond_both_limits(row, num_tokens, ratio):
    assert massive_among([row]) == MassiveTokens(num_tokens, ratio)


def test_a_ratio_is_not_rounded_to_the_format_of_the_values():
    """105 over 0.10498046875 is 1000.19, which bf16 rounds to 1000."""
    row = [105.0, 0.10498046875, 0.10498046875]
    assert massive_among([row], torch.bfloat16) == MassiveTokens(1, 105.0 / 0.10498046875)


def test_tokens_without_a_ratio_stand_aside():
    rows = [[0.0, 0.0, 500.0], [1.0, 1.0, 2000.0], [1.0, math.nan, 9000.0], [1.0, 1.0, 1500.0]]
    assert massive_among(rows) == MassiveTokens(2, 2000.0)


def by_sorting(rows):
    """What is massive among finite rows, by the definition alone."""
    pairs = [(max(row), sorted(row)[(len(row) - 1) // 2]) for row in rows.abs().double().tolist()]
    ratios = [(largest, largest / median) for largest, median in pairs if median]
    massive = sum(largest > 100 and ratio > 1000 for largest, ratio in ratios)
    return MassiveTokens(massive, max(ratio for _, ratio in ratios))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("largest", [3e-4, 101.0, 9000.0])
def test_medians_a_step_beside_the_limits_are_told_apart(dtype, largest):
    """Nearly all rows are passed over by counting; none that matters may be."""
    generator = torch.Generator().manual_seed(int(largest))
    rows = torch.full((400, 7), largest, dtype=dtype)
    kind = torch.int32 if dtype == torch.float32 else torch.int16
    bits = (rows[:, :4] / 1000).view(kind)
    steps = torch.randint(-4, 5, bits.shape, generator=generator, dtype=kind)
    rows[:, :4] = (bits + steps).view(dtype)
    rows[::7, :4] = 0
    assert massive_among(rows.tolist(), dtype) == by_sorting(rows)


def test_a_state_without_a_ratio_says_so():
    assert {name: held.item() for name, held in Massive().state().items()} == {
        "num_tokens": 0,
        "max_ratio": -1.0,
    }
