"""A run in parts, by several or after it was stopped, sees what one undisturbed run sees."""

from contextlib import nullcontext

import pytest
import torch
from oracle import tiny
from oracle.test_halves import LENGTHS, shown

from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.batch_deal import Share
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.distributed.group import Alone
from hubmaxact.measurement.execution.forward import measure
from hubmaxact.measurement.passes import Part, Passes, merge
from hubmaxact.measurement.run_facts import RunFacts
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.report.roles import DEPLOYMENT


class Kept:
    """Keeps the state after some batches, as a stopped run would have."""

    def __init__(self, part=None):
        self.part, self.offered = part, []

    def earlier(self):
        return self.part

    def running(self):
        return nullcontext()

    def offer(self, make):
        done, state = make().done, {name: x.clone() for name, x in make().state.items()}
        self.offered.append(Part(done, state))


class Run:
    """A tiny model with experts, in float32: INT-8 errors need thresholds first."""

    def __init__(self):
        self.model = tiny.random_model("qwen3_moe", seed=12)
        torch.manual_seed(3)
        self.ids = [torch.randint(3, 320, (n,)).to(torch.int32).numpy() for n in LENGTHS]
        self.facts = RunFacts(
            model={},
            protocol={"profile": DEPLOYMENT, "format_errors": "all"},
            environment={},
            domains=("a",) * len(LENGTHS),
            plan=plan_batches(LENGTHS, calibration=3, evaluation=4, batch_tokens=12),
            anatomy=find_sites(self.model, profile=DEPLOYMENT),
            allow_partial=False,
        )

    def passes(self):
        return Passes(facts=self.facts, fold=self._fold, group=Alone(), watcher=Watcher())

    def _fold(self, batches, recorder, *, ends, on_done):
        facts = self.facts
        options = {"batches": batches, "recorder": recorder, "ends": ends, "on_done": on_done}
        measure(self.model, facts.anatomy, facts.plan, self.ids, **options)


def merged(facts, states):
    total = facts.recorder()
    merge(facts, total, states)
    return total


@pytest.fixture(scope="module")
def run():
    return Run()


@pytest.fixture(scope="module")
def whole(run):
    return shown(run.passes().run())


def test_shards_merge_in_any_order(run, whole):
    shards = [run.passes().run(Share(index, 3)).state() for index in range(3)]
    assert shown(merged(run.facts, shards[::-1])) == whole


@pytest.mark.nightly
def test_a_stopped_run_goes_on_from_whatever_was_kept(run, whole):
    kept = Kept()
    run.passes().run(keeper=kept)
    assert len(kept.offered) == len(run.facts.plan.batches)
    for part in kept.offered[1::4]:
        again = Kept(part)
        assert shown(run.passes().run(keeper=again)) == whole
        assert len(again.offered) == len(kept.offered) - len(part.done)
        done = again.offered[-1].done if again.offered else frozenset()
        assert done | part.done == kept.offered[-1].done
        assert not done & part.done


def test_a_stopped_shard_goes_on_in_its_calibration_and_after_it(run, whole):
    first = run.passes().run(Share(0, 2)).state()
    before, own = Kept(), Kept()
    run.passes().run(Share(1, 2), own, before)
    for calibration, others in ((before.offered[0], None), (before.offered[-1], own.offered[0])):
        second = run.passes().run(Share(1, 2), Kept(others), Kept(calibration))
        assert shown(merged(run.facts, [first, second.state()])) == whole
