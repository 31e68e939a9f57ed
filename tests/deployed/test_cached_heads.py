"""Channels of cached heads, rotating pairs and attention logits of many families equal plain ones.

Queries and products are taken from where a model's own functions are called, by other means than
the product's.
"""

import sys
from contextlib import contextmanager

import pytest
import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from deployed import families, seen
from deployed.families import BY_NIGHT, FAMILIES, MEASURED
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.anatomy.rotary_pass import pairs_of
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.execution.forward import measure
from hubmaxact.measurement.rotary_pairs import Pairs

SEES = [
    pytest.param(name, marks=pytest.mark.nightly) if name in BY_NIGHT else name
    for name, family in FAMILIES.items()
    if family.sees_queries
]


def partners(kind, channels):
    """Pairs of channels, written out."""
    half = channels // 2
    if kind == "neighbours":
        return [(2 * pair, 2 * pair + 1) for pair in range(half)]
    return [(pair, pair + half) for pair in range(half)]


@pytest.mark.parametrize("name", MEASURED)
def test_channels_are_those_of_the_models_own_cache(name, both):
    run = both(name)
    found = run.measurement.recorder.result().sites
    for role, kept in (("key", run.seen.keys), ("value", run.seen.values)):
        sites = {site.layer: site for site in run.of(role)}
        assert sorted(sites) == sorted(kept)
        for layer, site in sites.items():
            heads = torch.cat(kept[layer], dim=1)
            channels = found[site].channel_maxima.reshape(site.num_heads, -1)
            assert channels.tolist() == heads.float().abs().amax(1).tolist()


@pytest.mark.parametrize("name", MEASURED)
def test_pairs_that_rotate_are_found_and_their_norms_are_the_largest(name, both):
    run = both(name)
    kind, channels = run.family.pairs
    role, kept = ("value", run.seen.values) if run.family.is_latent else ("key", run.seen.keys)
    found = run.measurement.recorder.result().heads
    for site in run.of(role):
        assert run.measurement.anatomy.pairs[site] == Pairs(
            channels, are_neighbours=kind == "neighbours"
        )
        heads = torch.cat(kept[site.layer], dim=1).float()
        first, second = zip(*partners(kind, channels), strict=True) if channels else ((), ())
        squares = heads[..., list(first)].square() + heads[..., list(second)].square()
        if channels:
            norms = squares.amax(1).double().sqrt()
            assert found.envelopes[site] == tuple(map(tuple, norms.tolist()))
        else:
            assert site not in found.envelopes


@pytest.mark.parametrize("name", MEASURED)
def test_only_what_rotates_has_pairs(name, both):
    run = both(name)
    rotary = "value" if run.family.is_latent else "key"
    assert all(site.role == rotary for site in run.measurement.anatomy.pairs)


@contextmanager
def functions_heard(model, heard):
    """Every call of sdpa, and of the eager functions of a model's own modules."""

    def listening(function):
        def call(module, query, key, value, mask, **kwargs):
            heard.append((module.layer_idx, query.clone(), key.clone(), mask, kwargs["scaling"]))
            return function(module, query, key, value, mask, **kwargs)

        return call

    modules = {sys.modules[type(m).__module__] for m in model.modules()}
    eager = {m: m.eager_attention_forward for m in modules if hasattr(m, "eager_attention_forward")}
    for module, function in eager.items():
        module.eager_attention_forward = listening(function)
    AttentionInterface._global_mapping["sdpa"] = listening(sdpa_attention_forward)
    try:
        yield
    finally:
        AttentionInterface._global_mapping["sdpa"] = sdpa_attention_forward
        for module, function in eager.items():
            module.eager_attention_forward = function


def heard_in(run):
    """Layer -> for each text, its real queries, keys, mask and scaling."""
    heard, by_layer, ids = [], {}, seen.samples()
    plan = run.measurement.plan
    owner = run.model.get_submodule(run.measurement.anatomy.owner)
    with functions_heard(run.model, heard), torch.no_grad():
        for batch in plan.batches:
            owner(input_ids=seen.padded_to(batch, ids)[0], use_cache=False)
    calls = len(heard) // len(plan.batches)
    for number, (layer, query, key, mask, scaling) in enumerate(heard):
        for row, sample in enumerate(plan.batches[number // calls].samples):
            real = len(ids[sample])
            one = None if mask is None else mask[row, 0, :real, :real]
            told = query[row, :, :real], key[row, :, :real], one, scaling
            by_layer.setdefault(layer, []).append(told)
    return by_layer


@pytest.mark.parametrize("name", SEES)
def test_no_product_exceeds_the_bound_which_is_that_of_the_largest_norms(name, both):
    run = both(name)
    by_layer = heard_in(run)
    for site, bound in run.measurement.recorder.heads.bounds.items():
        heard = by_layer[site.layer]
        groups = heard[0][0].shape[0] // heard[0][1].shape[0]
        products = [
            (scaling * query[h].double() @ key[h // groups].double().T).abs().max().item()
            for query, key, _, scaling in heard
            for h in range(len(query))
        ]
        assert max(products) <= bound.result()
        queries = torch.stack([q.double().norm(dim=-1).amax(1) for q, *_ in heard]).amax(0)
        keys = torch.stack([k.double().norm(dim=-1).amax(1) for _, k, *_ in heard]).amax(0)
        norms = (queries * keys.repeat_interleave(groups)).max().item() * abs(heard[0][3])
        assert bound.result() == pytest.approx(norms, rel=1e-4)
        assert bound.result() >= norms


@pytest.mark.parametrize("name", SEES)
def test_the_logits_of_a_layer_are_exact_where_it_runs_eagerly(name, both):
    run = both(name)
    logits = run.measurement.recorder.result().heads.logits
    assert sorted(site.layer for site in logits) == sorted(site.layer for site in run.of("query"))
    assert {found.is_exact for found in logits.values()} == {run.family.is_eager}


@pytest.mark.by_day("gpt_oss", "gemma2")
@pytest.mark.parametrize("name", ["gpt_oss", "gemma2", "qwen3", "deepseek_v3", "gpt2"])
def test_exact_logits_are_the_largest_that_softmax_is_given(name, both):
    run = both(name)
    if not run.family.is_eager:
        run = eagerly(run)
    by_layer = heard_in(run)
    for site, found in run.measurement.recorder.result().heads.logits.items():
        largest = max(
            _largest_of(query, key, mask, scaling)
            for query, key, mask, scaling in by_layer[site.layer]
        )
        assert found.is_exact
        assert found.abs_max == largest
        assert found.abs_max <= run.measurement.recorder.heads.bounds[site].result() * 1.01


def _largest_of(query, key, mask, scaling):
    """Of one text, as the model multiplies: all its heads at once."""
    repeated = key.repeat_interleave(len(query) // len(key), dim=0)
    logits = torch.matmul(query[None], repeated[None].transpose(2, 3)) * scaling
    return logits[0][:, mask == 0].abs().max().item()


class Eager:
    """A family's model measured while its attention runs eagerly."""

    def __init__(self, name):
        self.model, self.family = families.build(name), FAMILIES[name]
        self.model.set_attn_implementation("eager")
        plan = plan_batches(seen.LENGTHS, calibration=2, evaluation=2, batch_tokens=24)
        anatomy = find_sites(self.model, profile="deployment")
        self.measurement = measure(self.model, anatomy, plan, seen.samples())


def eagerly(run):
    return Eager(run.name)


@pytest.mark.parametrize("name", ["gpt_oss", "gemma2"])
def test_keys_outside_a_window_are_masked(name):
    """A logit that a layer's window hides is not the largest, however large it is."""
    config = FAMILIES[name].config | {"sliding_window": 2}
    wide = families.FAMILIES[name]
    families.FAMILIES[name] = families.Family(**{**vars(wide), "config": config})
    try:
        run = Eager(name)
    finally:
        families.FAMILIES[name] = wide
    by_layer, hidden = heard_in(run), 0
    for site, found in run.measurement.recorder.result().heads.logits.items():
        heard = by_layer[site.layer]
        assert found.abs_max == max(_largest_of(*told) for told in heard)
        whole = [(q, k, torch.ones_like(m).triu(1), s) for q, k, m, s in heard]
        hidden += found.abs_max < max(_largest_of(*told) for told in whole)
    assert hidden


@pytest.mark.parametrize("name", ["gpt_oss", "qwen3"])
def test_nothing_of_the_interface_is_left_behind(name, both):
    asked, mapping = AttentionInterface.get_interface, dict(AttentionInterface._global_mapping)
    both(name)
    find_sites(families.build(name), profile="deployment")
    assert AttentionInterface.get_interface is asked
    assert AttentionInterface._global_mapping == mapping


def turned(channels, width=32, *, neighbours=False, heads=3, positions=11):
    """Keys of one hidden state at several positions, in bf16."""
    generator = torch.Generator().manual_seed(3)
    key = torch.randn((heads, 1, width), generator=generator).expand(-1, positions, -1).clone()
    pairs = partners("neighbours" if neighbours else "halves", channels)
    for number, (a, b) in enumerate(pairs):
        angle = torch.arange(positions) * 1e4 ** (-2 * number / channels)
        first, second = key[..., a].clone(), key[..., b].clone()
        key[..., a] = first * angle.cos() - second * angle.sin()
        key[..., b] = second * angle.cos() + first * angle.sin()
    return key.to(torch.bfloat16).double()


@pytest.mark.parametrize("channels", [2, 8, 16, 30, 32])
def test_pairs_of_halves_are_told_by_how_many_channels_turn(channels):
    assert pairs_of(turned(channels), 0.06) == Pairs(channels)


@pytest.mark.parametrize("channels", [8, 16, 32])
def test_of_neighbours_all_are_taken_to_turn(channels):
    assert pairs_of(turned(channels, neighbours=True), 0.06) == Pairs(32, are_neighbours=True)


def test_keys_that_change_otherwise_have_no_known_pairs():
    grown = turned(0) * torch.linspace(1, 2, 11, dtype=torch.float64)[:, None]
    last = turned(16).flip(-1)  # the last channels turn, not the first
    assert pairs_of(grown, 0.06) is None
    assert pairs_of(last, 0.06) is None
    assert pairs_of(torch.zeros((3, 11, 32), dtype=torch.float64), 0.06) is None
    assert pairs_of(turned(0), 0.06) == Pairs(0)
