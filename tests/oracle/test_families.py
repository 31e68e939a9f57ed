"""Every family of the main job: exactly the expected sites, none missing, and the right tensors."""

import warnings
from collections import Counter

import pytest
import torch
from torch.nn import functional

from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.report.write import report_bytes
from oracle import brute, tiny
from oracle.cases import Case
from oracle.families import FAMILIES

BY_NIGHT = {"qwen3_embedding", "distilbert"}  # alike to others of the day
MEASURED = [
    pytest.param(name, marks=pytest.mark.nightly) if name in BY_NIGHT else name for name in FAMILIES
]
ROUTED = [name for name, family in FAMILIES.items() if family.routed]


@pytest.mark.parametrize("name", FAMILIES)
def test_anatomy_finds_exactly_the_expected_sites(name):
    family = FAMILIES[name]
    anatomy = find_sites(tiny.random_model(name, seed=5))
    assert [(s.role, s.layer, s.part) for s in anatomy.sites] == sorted(
        (watch.key for watch in family.watches), key=brute.site_order
    )
    assert Counter(site.role for site in anatomy.sites) == Counter(w.role for w in family.watches)
    assert anatomy.missing == ()
    assert anatomy.num_layers == len(family.layer)
    assert anatomy.bidirectional == family.bidirectional


@pytest.mark.by_day(
    "lfm2", "qwen2_5_vl", "modernbert", "phi3", "gemma3_text"
)  # others: test_statistics
@pytest.mark.parametrize("name", MEASURED)
def test_every_site_sees_the_tensor_of_its_named_module(name, both):
    run = both(Case(name, budget=256))
    for watch in run.family.watches:
        row, captured = run.site(watch.key), run.sites[watch.key]
        assert row["count"] == captured.values.numel()
        assert (row["min"], row["max"]) == (captured.exact.min(), captured.exact.max())
        assert row["top"] == brute.top(captured)
        if watch.role != "mlp_gate":  # a gate may be watched at its activation or its projection
            assert row["module"] == watch.module
    assert run.report["status"] == "complete"
    assert run.report["model"]["model_type"] == run.family.model_type
    assert run.report["model"]["architecture"] == ("moe" if run.family.routed else "dense")
    assert run.report["model"].get("bidirectional", False) == run.family.bidirectional


@pytest.mark.by_day(
    "lfm2", "qwen2_5_vl", "modernbert", "phi3", "gemma3_text"
)  # others: test_statistics
@pytest.mark.parametrize("name", MEASURED)
def test_every_report_can_be_written(name, both):
    assert report_bytes(both(Case(name, budget=256)).report)


@pytest.mark.parametrize("name", ROUTED)
def test_router_logits_are_logits(name):
    family, model = FAMILIES[name], tiny.random_model(name, seed=6)
    seen = {}
    for layer, (router, _) in family.routed.items():
        module = model.get_submodule(router)
        module.register_forward_hook(
            lambda m, args, out, layer=layer: seen.update({layer: (m, args[0], out[0])})
        )
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.get_submodule(family.decoder)(input_ids=torch.arange(24).view(2, 12))
    assert len(seen) == len(family.routed)
    for router, hidden, logits in seen.values():
        expected = functional.linear(hidden, router.weight, getattr(router, "bias", None))
        torch.testing.assert_close(logits, expected.reshape(logits.shape))
        assert logits.min() < 0  # neither probabilities nor a sigmoid's
