"""Batches are dealt whole: every one to somebody, evenly, and the same wherever it is asked."""

import pytest

from hubmaxact.errors import OptionsError
from hubmaxact.measurement.batch_deal import Share, deal
from hubmaxact.measurement.batch_plan import plan_batches

LENGTHS = [(7 * n * n + 3) % 4096 + 1 for n in range(700)]
PLAN = plan_batches(LENGTHS, calibration=128, evaluation=256, batch_tokens=16_384)


@pytest.mark.parametrize("num_shares", [1, 2, 3, 8, 1000])
def test_everything_is_dealt_once_and_in_order(num_shares):
    shares = deal(PLAN.batches, num_shares)
    assert len(shares) == num_shares
    assert sorted(b.index for share in shares for b in share) == list(range(len(PLAN.batches)))
    assert all(list(share) == sorted(share, key=lambda b: b.index) for share in shares)
    taken = [Share(index, num_shares).take(PLAN.batches) for index in range(num_shares)]
    assert list(shares) == taken


@pytest.mark.parametrize("num_shares", [2, 3, 8])
def test_nobody_has_much_more_than_another(num_shares):
    costs = [
        sum(len(b.samples) * b.length * (8192 + b.length) for b in share)
        for share in deal(PLAN.batches, num_shares)
    ]
    assert max(costs) < 1.1 * min(costs)


@pytest.mark.parametrize("said", ["", "1", "1/", "/2", "2/2", "-1/2", "0/0", "1/2/3", "0/9999999"])
def test_no_share(said):
    with pytest.raises(OptionsError, match="shard must be I/N with I from 0 to N - 1"):
        Share.parse(said)


def test_a_share_is_written_as_it_is_read():
    assert str(Share.parse("3/4")) == "3/4"
