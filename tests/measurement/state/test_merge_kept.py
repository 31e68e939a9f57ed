"""A real recorder goes on from a file to the last bit, and from nothing that looks like it."""

import pytest
import torch
from deployed import families, seen

from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.execution.forward import measure
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.measurement.state.compact import BITS
from hubmaxact.measurement.state.merge_kept import merge_kept
from hubmaxact.measurement.state.state_file import KeptState, StateError, decode, encode
from hubmaxact.report.roles import DEPLOYMENT


class Run:
    """A tiny model with experts and latent heads, all that is watched of it, and half a run."""

    def __init__(self, dtype):
        self.model = families.build("deepseek_v3").to(dtype)
        self.anatomy = find_sites(self.model, profile=DEPLOYMENT)
        self.ids = seen.samples()
        self.plan = plan_batches(seen.LENGTHS, calibration=2, evaluation=2, batch_tokens=24)
        self.half = self.over(self.plan.batches[:3], self.recorder())

    def recorder(self):
        return Recorder(self.anatomy, len(self.ids))

    def over(self, batches, recorder):
        options = {"batches": batches, "recorder": recorder}
        return measure(self.model, self.anatomy, self.plan, self.ids, **options).recorder


@pytest.fixture(scope="module")
def run():
    return Run(torch.bfloat16)


def bits(state):
    return {
        name: (x.dtype, x.shape, x.reshape(-1).view(BITS[x.element_size()]).tolist())
        for name, x in state.items()
    }


def kept(state):
    return KeptState({}, "", (0, 1, 2), state)


@pytest.mark.by_day("dtype0")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_run_goes_on_from_a_file_as_if_it_had_never_stopped(request, dtype):
    run = request.getfixturevalue("run") if dtype == torch.bfloat16 else Run(dtype)
    state = run.half.state()
    content = encode(kept(state))
    assert len(content) < sum(x.numel() * x.element_size() for x in state.values()) / 10
    resumed = run.recorder()
    merge_kept(resumed, run.recorder, decode(content, "it"), "it")
    assert bits(resumed.state()) == bits(state)
    rest = run.plan.batches[3:]
    whole = bits(run.over(run.plan.batches, run.recorder()).state())
    assert bits(run.over(rest, resumed).state()) == whole


def changed(state, end, change):
    name = next(name for name in state if name.endswith(end))
    return {**state, name: change(state[name])}


OTHERS = {
    "a count for all bins": ("/counts", lambda x: x[:1]),
    "counts of another dtype": ("/counts", lambda x: x.double()),
    "one maximum for all texts": ("samples/abs_max", lambda x: x[:1]),
    "a maximum of two numbers": ("samples/abs_max", lambda x: x[:2]),
    "one count for all experts": ("/tokens", lambda x: x[:1]),
    "places of three numbers": ("top/places", lambda x: x[:, :3]),
    "fewer places than values": ("top/places", lambda x: x[1:]),
    "no number": ("/numbers", lambda x: x[:0]),
    "one number": ("/numbers", lambda x: x[:1]),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_tensor_of_another_kind_is_refused(run, kind):
    state = changed(run.half.state(), *OTHERS[kind])
    with pytest.raises(StateError, match=r"^it cannot be gone on from: [^\n]+ measure again\.$"):
        merge_kept(run.recorder(), run.recorder, kept(state), "it")


def test_what_is_missing_or_not_asked_for_is_refused(run):
    state = run.half.state()
    for name in ("samples/abs_max", next(iter(state))):
        less = {other: x for other, x in state.items() if other != name}
        with pytest.raises(StateError):
            merge_kept(run.recorder(), run.recorder, kept(less), "it")
    for name in ("hidden_state.77/dtype", "nonsense", "routed.77/tokens", "routed.x/tokens"):
        with pytest.raises(StateError):
            merge_kept(run.recorder(), run.recorder, kept({**state, name: torch.ones(1)}), "it")
    site = next(iter(state)).partition("/")[0]
    with pytest.raises(StateError, match=f"{site}/extra is not what a"):
        merge_kept(
            run.recorder(), run.recorder, kept({**state, f"{site}/extra": torch.ones(1)}), "it"
        )


def test_states_that_do_not_fit_each_other_are_refused(run):
    merge_kept(recorder := run.recorder(), run.recorder, kept(run.half.state()), "it")
    state = changed(run.half.state(), "squares/sums", lambda x: x[:, :1])
    with pytest.raises(StateError, match="no site of this model shows"):
        merge_kept(recorder, run.recorder, kept(state), "it")


def test_a_fault_of_memory_is_no_fault_of_the_state(run):
    class Full(Recorder):
        def load(self, state):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    with pytest.raises(RuntimeError, match="allocate"):
        merge_kept(run.recorder(), lambda: Full(run.anatomy, 1), kept(run.half.state()), "it")
