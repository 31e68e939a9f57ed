"""Batches follow the rule as the oracle reads it, for any lengths."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubmaxact.measurement.batch_plan import plan_batches
from oracle import batches

LENGTHS = st.lists(st.integers(0, 60), max_size=330)
SPLITS = st.tuples(st.integers(0, 200), st.integers(0, 200))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(LENGTHS, SPLITS, st.integers(1, 4000))
def test_batches_follow_the_rule(lengths, splits, budget):
    calibration, evaluation = splits
    expected = batches.plan(lengths, calibration=calibration, evaluation=evaluation, budget=budget)
    found = plan_batches(
        lengths, calibration=calibration, evaluation=evaluation, batch_tokens=budget
    ).batches
    assert [(str(b.split), b.samples, b.length) for b in found] == [
        (b.split, b.samples, b.length(lengths)) for b in expected
    ]
    assert [batch.index for batch in found] == list(range(len(found)))


@pytest.mark.parametrize("budget", [64, 1_000_000])
@pytest.mark.parametrize("splits", [(128, 256), (8, 16), (0, 0), (300, 300)])
def test_windows_are_128_samples_long(splits, budget):
    lengths = [1 + (7 * sample) % 60 for sample in range(700)]
    calibration, evaluation = splits
    options = {"calibration": calibration, "evaluation": evaluation}
    found = plan_batches(lengths, **options, batch_tokens=budget).batches
    expected = batches.plan(lengths, **options, budget=budget)
    assert [batch.samples for batch in found] == [batch.samples for batch in expected]
    if budget > sum(lengths):  # then a window is one batch
        assert max(len(batch.samples) for batch in found) == 128


@settings(max_examples=60, deadline=None, derandomize=True)
@given(LENGTHS, SPLITS, st.integers(1, 4000))
def test_every_sample_with_tokens_runs_once_in_its_split_and_within_the_budget(
    lengths, splits, budget
):
    calibration, evaluation = splits
    plan = plan_batches(
        lengths, calibration=calibration, evaluation=evaluation, batch_tokens=budget
    )
    ran = [sample for batch in plan.batches for sample in batch.samples]
    assert sorted(ran) == [sample for sample, length in enumerate(lengths) if length]
    for batch in plan.batches:
        assert len(batch.samples) == 1 or len(batch.samples) * batch.length <= budget
        assert len({_split(s, calibration, evaluation) for s in batch.samples}) == 1
        assert max(batch.samples) - min(batch.samples) < 128


def _split(sample, calibration, evaluation):
    return (sample >= calibration) + (sample >= calibration + evaluation)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=40), st.data())
def test_the_digest_names_the_plan(lengths, data):
    options = {"calibration": 4, "evaluation": 8, "batch_tokens": 64}
    changed = list(lengths)
    changed[data.draw(st.integers(0, len(lengths) - 1))] += 1
    first = plan_batches(lengths, **options)
    assert plan_batches(list(lengths), **options).digest == first.digest
    assert plan_batches(changed, **options).digest != first.digest
