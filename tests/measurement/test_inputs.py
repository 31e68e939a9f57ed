"""A batch's input is made beside the batch before it: one ahead, the same, and with its errors."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from oracle import tiny

from hubmaxact.errors import OutOfMemoryError
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.execution.forward import measure
from hubmaxact.measurement.execution.inputs import inputs_ahead, make_input

LENGTHS = [7, 5, 5, 3, 3, 2]
PLAN = plan_batches(LENGTHS, calibration=2, evaluation=2, batch_tokens=7)
IDS = [np.arange(length, dtype=np.int32) for length in LENGTHS]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def decoder():
    model = tiny.random_model("qwen3_moe", seed=1)
    return model, find_sites(model)


class Asked(list):
    """Samples that remember in which thread they were asked for."""

    def __init__(self):
        super().__init__(IDS)
        self.asked, self.changed = {}, threading.Condition()

    def __getitem__(self, sample):
        with self.changed:
            self.asked[sample] = threading.current_thread().name
            self.changed.notify_all()
        return super().__getitem__(sample)


def test_the_next_is_made_meanwhile_and_none_after_it(decoder):
    ids, seen = Asked(), []

    def on_done(batches):
        (batch,) = batches
        near = PLAN.batches[: batch.index + 2]
        expected = {sample for each in near for sample in each.samples}
        with ids.changed:
            assert ids.changed.wait_for(lambda: expected <= ids.asked.keys(), timeout=10)
        assert ids.asked.keys() == expected
        seen.append(batch.index)

    before = threading.active_count()
    measure(*decoder, PLAN, ids, on_done=on_done)
    assert seen == list(range(len(PLAN.batches)))
    assert {name.partition("_")[0] for name in ids.asked.values()} == {"inputs"}
    assert threading.active_count() == before


def test_they_are_those_that_are_made_one_by_one():
    with inputs_ahead(PLAN.batches, IDS, CPU) as inputs:
        ahead = list(inputs)
    assert [each.batch for each in ahead] == list(PLAN.batches)
    for one, other in zip(ahead, (make_input(b, IDS, CPU) for b in PLAN.batches), strict=True):
        assert torch.equal(one.ids_BL, other.ids_BL)
        assert torch.equal(one.tokens.columns_4T, other.tokens.columns_4T)
        assert (one.rows is None) == (other.rows is None) == (one.kept is None)


def test_rows_are_the_real_tokens_positions():
    batch = replace(PLAN.batches[0], samples=(1, 3), length=5)
    made = make_input(batch, IDS, CPU)
    assert made.rows.tolist() == made.kept.nonzero().flatten().tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert make_input(replace(batch, samples=(1, 2)), IDS, CPU).rows is None


def test_an_error_in_one_is_told_when_its_batch_is_due(decoder):
    seen = []
    with pytest.raises(IndexError):
        measure(*decoder, PLAN, IDS[:3], on_done=seen.extend)
    assert seen == [batch for batch in PLAN.batches if max(batch.samples) < 3]


def test_memory_that_runs_out_while_one_is_made_is_told_of_its_batch(decoder):
    endless = replace(PLAN.batches[1], length=1 << 58)
    told = r"a batch of \d x 288,230,376,151,711,744 tokens does not fit"
    with pytest.raises(OutOfMemoryError, match=told):
        measure(*decoder, PLAN, IDS, batches=[PLAN.batches[0], endless])


def test_memory_that_runs_out_in_the_statistics_is_told_of_their_batch(decoder):
    model, anatomy = decoder
    endless = replace(anatomy, num_experts=dict.fromkeys(anatomy.num_experts, 1 << 58))
    with pytest.raises(OutOfMemoryError, match=r"a batch of 1 x 7 tokens does not fit"):
        measure(model, endless, PLAN, IDS)


def test_whoever_leaves_early_leaves_no_thread(decoder):
    def stop(_):
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        measure(*decoder, PLAN, IDS, on_done=stop)
    assert threading.active_count() == before
