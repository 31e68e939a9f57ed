"""What profile `deployment` accumulates merges and goes on as everything else does."""

import pytest

from deployed import families, odd_families, seen
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.execution.forward import measure
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.report.roles import DEPLOYMENT

NIGHTLY = [
    pytest.param(name, marks=pytest.mark.nightly) for name in ("llama4_text", "longcat_flash")
]


@pytest.fixture(scope="module", params=["deepseek_v3", *NIGHTLY])
def parts(request):
    """A model with experts and heads, its anatomy, a plan and a recorder for each batch."""
    made = odd_families if request.param in odd_families.CONFIGS else families
    model = made.build(request.param)
    anatomy = find_sites(model, profile=DEPLOYMENT)
    ids = seen.samples()
    plan = plan_batches(seen.LENGTHS, calibration=2, evaluation=2, batch_tokens=24)
    whole = measure(model, anatomy, plan, ids).recorder

    def over(*batches):
        recorder = Recorder(anatomy, len(ids), thresholds=whole.thresholds())
        return measure(model, anatomy, plan, ids, batches=batches, recorder=recorder).recorder

    return anatomy, whole, [over(batch) for batch in plan.batches]


def shown(recorder):
    recorded = recorder.result()
    sites = {
        site: (r.values, r.top, r.expert_maxima, r.format_errors, r.rows_beyond)
        for site, r in recorded.sites.items()
    }
    given = {
        site: (maxima, sums.tolist(), num_rows)
        for site, (maxima, (sums, num_rows)) in recorded.expert_inputs.items()
    }
    return sites, given, recorded.routed, recorder.fired, recorded.heads


def test_batches_merge_in_any_order(parts):
    anatomy, whole, each = parts
    for order in (each, each[::-1]):
        merged = Recorder(anatomy, len(seen.LENGTHS))
        for recorder in order:
            merged.merge(recorder)
        assert shown(merged)[1:] == shown(whole)[1:]
        assert {s: r[1:] for s, r in shown(merged)[0].items()} == {
            s: r[1:] for s, r in shown(whole)[0].items()
        }


def test_a_recorder_goes_on_from_its_state(parts):
    anatomy, whole, _ = parts
    again = Recorder(anatomy, len(seen.LENGTHS))
    again.load(whole.state())
    assert shown(again)[1:] == shown(whole)[1:]
    assert {s: r[2:] for s, r in shown(again)[0].items()} == {
        s: r[2:] for s, r in shown(whole)[0].items()
    }
