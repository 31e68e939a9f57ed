"""Padded positions are in no number: not in counts, extremes, routing, domains or INT-8 errors."""

import pytest
import torch

from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.execution.forward import measure
from hubmaxact.measurement.statistics.distribution import QUANTILE_LEVELS
from oracle import tiny
from oracle.cases import Case
from oracle.families import FAMILIES

PER_TOKEN = 2  # experts per token
LENGTHS = [9, 2, 5, 1, 9, 3, 7, 4, 2, 6]
NAMES = ("qwen3", "qwen3_moe", "gemma2", "qwen3_next", "deepseek_v3", "gpt_oss")


@pytest.mark.parametrize("name", NAMES)
def test_counts_are_those_of_real_tokens(name, both):
    run = both(Case(name, budget=256))
    lengths = [len(row) for row in run.ids]
    assert sum(len(b.samples) * b.length(lengths) for b in run.batches) > sum(lengths)
    routed = {watch.key for watch in run.family.watches if watch.how == "experts"}
    for row in run.report["sites"]:
        key = row["role"], row["layer"], row["part"]
        rows = sum(lengths) * (PER_TOKEN if key in routed else 1)
        assert row["count"] == rows * run.sites[key].values.shape[1]
    for layer, counts in run.routed.items():
        assert counts.sum() == PER_TOKEN * sum(lengths)
        tokens = next(e["tokens"] for e in run.report["experts"] if e["layer"] == layer)
        assert (tokens["least"], tokens["most"]) == (counts.min(), counts.max())


def measured_with(name, module, write):
    """Measure with a hook that may write into padded positions of one module's output."""
    torch.manual_seed(8)
    model = tiny.random_model(name, seed=13).to(torch.bfloat16)
    ids = [torch.randint(3, 320, (length,), dtype=torch.int32).numpy() for length in LENGTHS]
    plan = plan_batches(LENGTHS, calibration=3, evaluation=4, batch_tokens=30)
    running = iter(plan.batches)

    def hook(_module, _args, output):
        batch = next(running)
        tensor = output[0] if isinstance(output, tuple) else output
        rows = tensor.view(len(batch.samples), batch.length, -1)
        for row, sample in enumerate(batch.samples):
            write(rows[row, LENGTHS[sample] :])

    anatomy = find_sites(model)
    model.get_submodule(module).register_forward_hook(hook)
    recorded = measure(model, anatomy, plan, ids).recorder.result()
    assert next(running, None) is None
    return {
        (site.role, site.layer, site.part): summary(result)
        for site, result in recorded.sites.items()
    } | {"samples": recorded.sample_maxima, "routed": recorded.routed}


def summary(result):
    values = result.values
    quantiles = [values.bins.abs_quantile(level) for level in QUANTILE_LEVELS]
    extremes = values.count, values.min, values.max
    return extremes, quantiles, result.top, result.massive, result.expert_maxima


@pytest.mark.by_day(
    "qwen3-embed_tokens",
    "qwen3_moe-layers.0",
    "gemma2-layers.1.self_attn",
    "qwen3_next-layers.2",
    "deepseek_v3-layers.0",
    "gpt_oss-layers.1.self_attn",
)
@pytest.mark.parametrize("place", ["embed_tokens", "layers.0", "layers.1.self_attn", "layers.2"])
@pytest.mark.parametrize("name", NAMES)
def test_garbage_in_padded_positions_changes_nothing(name, place):
    mixer = next(w for w in FAMILIES[name].watches if w.key == ("attention_output", 1, None))
    module = mixer.module if place.endswith("self_attn") else f"model.{place}"
    clean = measured_with(name, module, lambda padding: None)
    spoiled = measured_with(name, module, lambda padding: padding.fill_(1e5))
    assert spoiled == clean


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_non_finite_padding_is_not_counted(value):
    clean = measured_with("qwen3", "model.layers.2", lambda padding: None)
    assert measured_with("qwen3", "model.layers.2", lambda p: p.fill_(value)) == clean
