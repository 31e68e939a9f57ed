"""Maxima of blocks and of channels, against loops over plain numbers."""

import math
from collections import Counter

import pytest
import torch

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.block_maxima import SIZES, BlockMaxima
from hubmaxact.measurement.statistics.channel_maxima import ChannelMaxima
from hubmaxact.measurement.statistics.rows import Rows, Tokens


def rows(x_TD):
    return Rows.of(x_TD, Tokens(torch.zeros((4, len(x_TD)), dtype=torch.int64), 1), Split.REST)


def spoilt(num_rows, width, dtype):
    x = torch.randn(num_rows, width, generator=torch.Generator().manual_seed(width)) ** 5
    x[0], x[1, :20] = math.nan, math.inf  # no block of the first row has a value
    x[:, 3] = -math.inf
    x[2, -1] = 3.4e38 if dtype == torch.float32 else -6e4  # rounds to infinity, were it let
    return x.to(dtype)


def largest(values):
    return max((abs(value) for value in values if math.isfinite(value)), default=None)


@pytest.mark.parametrize("width", [5, 128, 300])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32], ids=str)
def test_they_are_what_loops_find(dtype, width):
    x = spoilt(9, width, dtype)
    blocks, channels = BlockMaxima(), ChannelMaxima()
    blocks.update(rows(x))
    channels.update(rows(x))
    found = channels.result()
    assert found.tolist() == [largest(column) or -1.0 for column in x.double().T.tolist()]
    assert found[3] == -1.0
    for size in SIZES:
        each = [largest(row[i : i + size]) for row in x.tolist() for i in range(0, width, size)]
        finite = torch.tensor([value for value in each if value is not None])
        top = torch.finfo(torch.bfloat16).max
        expected = Counter(finite.clamp(max=top).to(torch.bfloat16).tolist())
        bins = blocks.result()[size]
        assert dict(zip(bins.values.tolist(), bins.counts.tolist(), strict=True)) == expected
        assert len(finite) < len(each)


def test_channels_of_another_number_are_refused():
    channels = ChannelMaxima()
    channels.update(rows(torch.ones(2, 5)))
    with pytest.raises(ValueError, match="expected 5 channels, got 6"):
        channels.update(rows(torch.ones(2, 6)))
    assert channels.result().tolist() == [1.0] * 5
