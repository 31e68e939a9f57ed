"""What formats lose at linear inputs equals a direct computation on captured tensors."""

import math

import pytest
import torch

from deployed import families, seen
from hubmaxact.deployed_formats import IN_PASS
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.batch_plan import Split, plan_batches
from hubmaxact.measurement.execution.forward import measure
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.measurement.rounding.tensors import as_bf16, rounded
from hubmaxact.report.roles import DEPLOYMENT

CALIBRATION, EVALUATION = 2, 3


def planned(batch_tokens):
    return plan_batches(
        seen.LENGTHS, calibration=CALIBRATION, evaluation=EVALUATION, batch_tokens=batch_tokens
    )


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("qwen3_moe", "bfloat16"), id="bfloat16"),
        pytest.param(("qwen3_moe", "float32"), id="float32"),
        pytest.param(("gpt_oss", "bfloat16"), id="gpt_oss", marks=pytest.mark.nightly),
    ],
)
def subject(request):
    """A model with routed experts, its sites and texts."""
    torch.set_num_threads(1)
    name, dtype = request.param
    model = families.build(name, getattr(torch, dtype))
    return model, find_sites(model, profile=DEPLOYMENT), seen.samples()


def captured(subject, plan, split):
    """What hooks show over the batches of a split."""
    model, _, ids = subject
    batches = [batch for batch in plan.batches if batch.split is split]
    return seen.run(model, "model.layers", ids, batches)


@pytest.mark.by_day("bfloat16-12", "float32-24")
@pytest.mark.parametrize("batch_tokens", [12, 24, 4096])
def test_they_equal_a_direct_computation_for_any_budget(subject, batch_tokens):
    model, anatomy, ids = subject
    plan = planned(batch_tokens)
    results = measure(model, anatomy, plan, ids).recorder.result().sites
    before, after = (captured(subject, plan, s) for s in (Split.CALIBRATION, Split.EVALUATION))
    known = [site for site in results if site.role == "linear_input"]
    named = {name for site in known for name in site.maps}
    assert named > seen.maps(model, "model.layers")
    assert {name.rpartition(".")[2] for name in named if ".experts." in name} == {
        "gate_up_proj", "down_proj",
    }  # fmt: skip
    for site in known:
        x = as_bf16(after.read_by(site.maps[0]).float())
        largest = before.read_by(site.maps[0]).abs().max().item()
        for way, found in zip(IN_PASS, results[site].format_errors, strict=True):
            values, clipped = rounded(x, way, largest)
            err_sq = math.fsum((x - values).double().square().flatten().tolist())
            assert math.isclose(found.err_sq, err_sq, rel_tol=1e-9), (site, way.name)
            assert found.num_clipped == clipped.sum()
            assert found.num_underflowed == ((x != 0) & (values == 0)).sum()


def test_parts_of_a_run_merge_to_the_whole(subject):
    model, anatomy, ids = subject
    plan = planned(12)

    def over(batches, recorder=None):
        return measure(model, anatomy, plan, ids, batches=batches, recorder=recorder).recorder

    whole = over(plan.batches).result().sites
    first = over([batch for batch in plan.batches if batch.split is Split.CALIBRATION])
    rest = [batch for batch in plan.batches if batch.split is not Split.CALIBRATION]
    parts = [
        over([batch], Recorder(anatomy, len(ids), thresholds=first.thresholds())) for batch in rest
    ]
    for each in (first, *parts[:0:-1]):
        parts[0].merge(each)
    resumed = Recorder(anatomy, len(ids))
    resumed.load(first.state())
    for recorder in (parts[0], over(rest, resumed)):
        found = recorder.result().sites
        assert {s: r.format_errors for s, r in found.items()} == {
            s: r.format_errors for s, r in whole.items()
        }


def test_only_linear_inputs_have_them_and_none_where_they_are_switched_off(subject):
    model, anatomy, ids = subject
    plan = planned(4096)
    on = measure(model, anatomy, plan, ids).recorder
    off = measure(model, anatomy, plan, ids, format_errors=False).recorder
    for site, result in on.result().sites.items():
        assert (result.format_errors is not None) == (site.role == "linear_input")
    assert all(result.format_errors is None for result in off.result().sites.values())
    assert {key for key in on.state() if "/formats/" in key}.isdisjoint(off.state())
    assert not any("formats" in key for key in off.state())
