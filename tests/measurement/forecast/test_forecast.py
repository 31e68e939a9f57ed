"""`--plan` tells of a run what the run then does, and of its memory what it then holds."""

from functools import partial
from types import SimpleNamespace

import pytest
import torch
from command import DENSE, MOE
from oracle import texts, tiny
from oracle.families import FAMILIES
from transformers import AutoConfig
from transformers.initialization import no_init_weights

from hubmaxact import Options, measure
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.execution import forward
from hubmaxact.measurement.execution.inputs import make_input
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.measurement.forecast.forecast import foresee
from hubmaxact.measurement.forecast.shapes_mode import Shapes
from hubmaxact.measurement.forecast.tally import Tally
from hubmaxact.measurement.prepare import plan_for, prepare
from hubmaxact.measurement.source import Source
from hubmaxact.measurement.watcher import Watcher

SPLITS = {"calibration_samples": 6, "evaluation_samples": 6}
CASES = {
    "dense": (DENSE, {}),
    "experts": (MOE, {}),
    "float32": (DENSE, {"dtype": "float32", **SPLITS}),
    "deployment": (MOE, {"profile": "deployment", **SPLITS}),
    "no calibration": (MOE, {"dtype": "float32", "calibration_samples": 0}),
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return str(texts.write(tmp_path_factory.mktemp("corpus") / "texts.jsonl", texts.ROWS[:24]))


BY_NIGHT = [pytest.param(name, marks=pytest.mark.nightly) for name in ("experts", "float32")]


@pytest.fixture(scope="module", params=["dense", *BY_NIGHT, "deployment", "no calibration"])
def both(request, corpus):
    """What is foreseen, and a run of the same options."""
    folder, chosen = CASES[request.param]
    options = Options(corpus=corpus, batch_tokens=256, max_seq_len=96, **chosen)
    told = foresee(folder, options)
    prepared = prepare(Source(folder), options, Watcher())
    model, ids = prepared.loaded.model, prepared.samples.ids
    plan = plan_for(prepared.samples, options, options.batch_tokens)
    run = forward.measure(model, prepared.anatomy, plan, ids)
    return SimpleNamespace(told=told, prepared=prepared, model=model, plan=plan, ids=ids, run=run)


@pytest.mark.by_day("deployment")
def test_batches_sites_and_tokens_are_the_runs(both):
    told, samples = both.told, both.prepared.samples
    assert told.batch_plan_digest == both.plan.digest
    assert told.num_batches == len(both.plan.batches)
    assert told.num_tokens == sum(samples.lengths)
    assert told.num_texts == len(samples.lengths)
    assert told.cost.num_sites == len(both.prepared.anatomy.sites)
    assert told.cost.seconds > 0


def test_weights_are_those_of_the_loaded_model(both):
    held = [*both.model.parameters(), *both.model.buffers()]
    assert both.told.weight_bytes == sum(each.nbytes for each in held)
    assert both.told.num_parameters == sum(each.numel() for each in both.model.parameters())
    assert both.told.device == str(both.model.device)


@pytest.mark.by_day("deployment")
def test_statistics_are_what_a_recorder_holds(both):
    recorder = both.run.recorder
    few = recorder.heads.parts().values()
    left_out = sum(each.nbytes for part in few for each in part.state().values())
    held = sum(each.nbytes for each in recorder.state().values())
    assert both.told.cost.statistics_bytes == held - left_out
    assert left_out < held / 1000


@pytest.mark.by_day("deployment")
def test_no_batch_holds_more_than_is_told(both):
    model, anatomy = both.model, both.prepared.anatomy
    held = 0
    for batch in both.plan.batches:
        recorder = Recorder(anatomy, len(both.ids), thresholds=both.run.recorder.thresholds())
        again = partial(
            forward.measure, model, anatomy, both.plan, both.ids, batches=[batch], recorder=recorder
        )
        again()  # makes the statistics' own tensors, which are told elsewhere
        made = make_input(batch, both.ids, torch.device("cpu"))
        there = [*model.parameters(), *model.buffers(), made.ids_BL, *recorder.state().values()]
        with Tally(there) as tally:
            again()
        held = max(held, tally.peak)
    assert 0.4 * both.told.cost.batch_bytes < held <= both.told.cost.batch_bytes


def test_the_digest_is_the_one_in_a_report(corpus):
    options = Options(corpus=corpus, num_samples=4, batch_tokens=64)
    told, report = foresee(DENSE, options), measure(DENSE, options)
    assert told.batch_plan_digest == report["protocol"]["batch_plan_digest"]
    assert told.num_parameters == report["model"]["num_parameters"]
    assert told.num_tokens == report["protocol"]["corpus"]["num_tokens"]


@pytest.mark.by_day(
    "qwen3", "gemma2", "gpt_oss", "deepseek_v3", "qwen3_next", "lfm2", "qwen2_5_vl", "modernbert"
)
@pytest.mark.parametrize("name", FAMILIES)
def test_shapes_alone_show_every_site(name):
    family = FAMILIES[name]
    config = AutoConfig.for_model(family.model_type, **family.config)
    with Shapes().alone(), no_init_weights():
        shapes = find_sites(tiny.auto_class(family).from_config(config).eval(), has_values=False)
    assert shapes == find_sites(tiny.random_model(name, seed=1))


def test_products_are_counted():
    x, w = torch.ones(3, 5), torch.ones(5, 7)
    with torch.no_grad(), Tally([x, w]) as tally:
        torch.nn.functional.linear(x, w.T, torch.ones(7))
        query = torch.ones(1, 2, 8, 16)
        torch.nn.functional.scaled_dot_product_attention(query, query, query)
    assert tally.operations == 2 * 3 * 5 * 7 + 4 * 2 * 8 * 8 * 16
    assert tally.live < tally.peak
