"""Two halves of a run merge to the whole, in either order, and a run goes on from its state."""

import copy

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.batch_plan import Split, plan_batches
from hubmaxact.measurement.execution.forward import measure
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.measurement.statistics.int8_error import POLICIES
from oracle import tiny
from oracle.order import facts

CASES = [(name, dtype) for name in ("qwen3_moe", "gemma2") for dtype in ("bfloat16", "float32")]
LENGTHS = [5, 9, 2, 14, 3, 3, 8, 11, 6, 1]


class Run:
    """A tiny model and a plan of it, any of whose batches can be run apart."""

    def __init__(self, name, dtype):
        self.model = tiny.random_model(name, seed=12).to(getattr(torch, dtype))
        self.anatomy = find_sites(self.model)
        choice = np.random.default_rng(5)
        self.ids = [choice.integers(3, 320, length).astype(np.int32) for length in LENGTHS]
        self.plan = plan_batches(LENGTHS, calibration=3, evaluation=4, batch_tokens=24)

    def recorder(self, thresholds=None):
        return Recorder(self.anatomy, len(self.ids), thresholds=thresholds)

    def over(self, batches, recorder=None):
        options = {"batches": batches, "recorder": recorder}
        return measure(self.model, self.anatomy, self.plan, self.ids, **options).recorder

    @property
    def calibration(self):
        return [batch for batch in self.plan.batches if batch.split is Split.CALIBRATION]

    @property
    def others(self):
        return [batch for batch in self.plan.batches if batch.split is not Split.CALIBRATION]


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def run(request):
    return Run(*request.param)


def shown(recorder):
    """All that follows from a recorder's state, as plain values that compare with ==."""
    recorded = recorder.result()
    sites = {
        site.key: (facts(result.values), result.top, result.massive, result.expert_maxima)
        for site, result in recorded.sites.items()
    }
    int8 = {
        site.key: [statistics.int8_error(policy) for policy in POLICIES]
        for site, statistics in recorder.sites.items()
    }
    return sites, int8, recorded.sample_maxima, recorded.routed


def merged(*recorders):
    total = copy.deepcopy(recorders[0])
    for each in recorders[1:]:
        total.merge(each)
    return total


@pytest.mark.by_day("qwen3_moe-bfloat16", "gemma2-float32")
def test_halves_of_a_run_merge_to_the_whole_in_any_order(run):
    whole = run.over(run.plan.batches)
    first = run.over(run.calibration)
    rest = run.others
    halves = [run.over(half, run.recorder(first.thresholds())) for half in (rest[::2], rest[1::2])]
    assert all(len(half.sites) == len(whole.sites) for half in halves)
    before = [shown(half)[0] for half in halves]
    assert shown(merged(first, *halves)) == shown(whole)
    assert shown(merged(halves[1], first, halves[0])) == shown(whole)
    assert shown(merged(run.recorder(), *halves, first)) == shown(whole)
    assert [shown(half)[0] for half in halves] == before, "merging changed what was merged"


@pytest.mark.by_day("qwen3_moe-float32", "gemma2-bfloat16")
def test_a_run_goes_on_from_a_state_on_disk_as_if_it_had_never_stopped(run):
    whole = run.over(run.plan.batches)
    for stop in (1, len(run.calibration), len(run.plan.batches) - 1):
        stopped = run.over(run.plan.batches[:stop])
        resumed = run.recorder()
        resumed.load(load(save(stopped.state())))
        assert shown(resumed) == shown(stopped)
        assert shown(run.over(run.plan.batches[stop:], resumed)) == shown(whole)


def test_errors_at_other_thresholds_do_not_merge():
    """The calibration split must be seen whole before the evaluation split begins."""
    run = Run("qwen3", "float32")
    first, second = run.calibration[:1], run.calibration[1:]
    rest = run.others
    early = run.over([*first, *rest[:1]])
    late = run.over([*second, *rest[1:]])
    with pytest.raises(ValueError, match="expected threshold"):
        early.merge(late)


def test_values_folded_in_before_their_threshold_was_known_are_not_passed_over():
    run = Run("qwen3", "float32")
    without = run.over(run.others)
    total = merged(run.over(run.calibration), without)
    site = next(iter(total.sites))
    with pytest.raises(ValueError, match="errors of 0 values"):
        total.sites[site].int8_error("max_abs")


def test_a_site_that_the_calibration_did_not_reach_has_no_threshold():
    run = Run("qwen3_moe", "float32")
    recorder = run.over(run.others, run.recorder({}))
    assert recorder.sites.keys() == set(run.anatomy.sites)
    assert all(s.int8_error(p) is None for s in recorder.sites.values() for p in POLICIES)
