"""Sums of squares of channels: within their bound, and merged to the same bits in any order."""

import math

import pytest
import torch

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.channel_squares import ChannelSquares, are_near
from hubmaxact.measurement.statistics.rows import Rows, Tokens
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics

NUM_ROWS = 600
DTYPES = (torch.bfloat16, torch.float16, torch.float32)


def made(seed, dtype, width=9):
    """Channels of very different size, the last one zero."""
    x = torch.randn(NUM_ROWS, width, generator=torch.Generator().manual_seed(seed))
    return (x * 10.0 ** torch.arange(-5, width - 5) * (torch.arange(width) < width - 1)).to(dtype)


def of(*tensors):
    squares = ChannelSquares()
    for x in tensors:
        squares.update(x)
    return squares


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_they_are_what_exact_sums_are_within_the_bound(dtype):
    x = made(0, dtype)
    for found, column in zip(of(x).result().tolist(), x.double().T.tolist(), strict=True):
        exact = math.fsum(value * value for value in column)
        assert abs(found - exact) <= exact * NUM_ROWS * 2**-24 + 2**-44
    assert of(x).result()[-1] == 0


def test_many_partial_sums_merge_to_the_same_bits_in_any_order():
    tensors = [made(seed, torch.bfloat16) for seed in range(40)]
    first, last = of(*tensors[:7]), of(*tensors[:6:-1])
    whole = of(*tensors).state()["sums"]
    last.merge(first)
    again = ChannelSquares()
    again.load(first.state())
    again.merge(of(*tensors[7:]))
    assert torch.equal(last.state()["sums"], whole)
    assert torch.equal(again.state()["sums"], whole)
    assert len({*(whole[1] >> 40).tolist()}) == 1  # carried


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30])
def test_what_cannot_be_summed_is_not_known(value):
    x = torch.ones(4, 3)
    x[2, 1] = value
    assert of(x, torch.ones(2, 3)).result().tolist() == [6, math.inf, 6]


def test_what_is_not_known_stays_so_however_much_is_added():
    x, squares = torch.full((1, 2), math.nan), ChannelSquares()
    for _ in range(600):  # 2^54 each, in integers of 64 bits
        squares.update(x)
    other = ChannelSquares()
    other.load(squares.state())
    other.merge(squares)
    assert squares.result().tolist() == other.result().tolist() == [math.inf] * 2


def test_cuts_are_near_and_other_sums_are_not():
    x = made(1, torch.float32)
    whole, cut = of(x).state()["sums"], of(*x.split(13)).state()["sums"]
    assert are_near(whole, cut)
    assert not are_near(whole, of(x[1:]).state()["sums"])
    assert not are_near(whole, whole[:, 1:])


def test_channels_of_another_number_are_refused():
    with pytest.raises(ValueError, match="expected 5 channels, got 6"):
        of(torch.ones(2, 5), torch.ones(2, 6))


def test_only_the_calibration_split_is_summed():
    tokens = Tokens(torch.arange(3).repeat(4, 1), 3)
    site = SiteStatistics(torch.float32, is_linear_input=True)
    for split in Split:
        site.update(Rows.of(torch.full((3, 2), 2.0), tokens, split))
    assert site.result().channel_sum_sq.tolist() == [12, 12]
    assert SiteStatistics(torch.float32).result().channel_sum_sq is None
