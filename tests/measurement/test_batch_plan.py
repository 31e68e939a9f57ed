"""The batch plan: from lengths alone, inside windows, never across a split."""

from hypothesis import given
from hypothesis import strategies as st

from hubmaxact.measurement.batch_plan import WINDOW, Split, plan_batches

lengths = st.lists(st.integers(0, 300), min_size=1, max_size=400)


def plan(sizes, calibration=30, evaluation=150, batch_tokens=512):
    return plan_batches(
        sizes, calibration=calibration, evaluation=evaluation, batch_tokens=batch_tokens
    )


@given(lengths)
def test_every_sample_with_tokens_runs_exactly_once(sizes):
    samples = [sample for batch in plan(sizes).batches for sample in batch.samples]
    assert sorted(samples) == [sample for sample, size in enumerate(sizes) if size]


@given(lengths)
def test_no_batch_crosses_a_split_or_a_window(sizes):
    for batch in plan(sizes).batches:
        begin = {Split.CALIBRATION: 0, Split.EVALUATION: 30, Split.REST: 180}[batch.split]
        assert len({(sample - begin) // WINDOW for sample in batch.samples}) == 1
        assert min(batch.samples) >= begin


@given(lengths, st.integers(1, 2000))
def test_a_batch_keeps_its_budget_unless_it_is_one_long_sample(sizes, batch_tokens):
    for batch in plan(sizes, batch_tokens=batch_tokens).batches:
        assert batch.length == max(sizes[sample] for sample in batch.samples)
        assert len(batch.samples) == 1 or batch.length * len(batch.samples) <= batch_tokens


def test_the_digest_names_lengths_budget_and_splits():
    digests = {
        plan([5, 6, 7]).digest,
        plan([5, 6, 8]).digest,
        plan([5, 6, 7], batch_tokens=6).digest,
        plan([5, 6, 7], calibration=1).digest,
    }
    assert len(digests) == 4
    assert plan([5, 6, 7]).digest == plan([5, 6, 7]).digest


def test_too_few_samples_leave_a_split_empty():
    assert {batch.split for batch in plan([4] * 20).batches} == {Split.CALIBRATION}
