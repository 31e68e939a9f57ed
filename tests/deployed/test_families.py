"""Linear inputs, keys, values, updates and experts of many families equal plain hooks'."""

import pytest
import torch
from oracle.families import FAMILIES as COMMON

from deployed import seen
from deployed.families import BY_NIGHT, FAMILIES, MEASURED
from hubmaxact.measurement.batch_plan import Split

ROUTED = ["granitemoehybrid", "nemotron_h", *(name for name in COMMON if COMMON[name].routed)]
EXPERTS = [
    pytest.param(name, marks=pytest.mark.nightly) if name in BY_NIGHT else name for name in ROUTED
]


def test_every_family_of_the_main_job_is_here():
    assert set(COMMON) <= set(FAMILIES)


def same(result, rows):
    """Whether a site's statistics are those of these rows."""
    values, finite = result.values, rows.float()
    assert values.count == rows.numel()
    assert (values.min, values.max) == (finite.min().item(), finite.max().item())
    assert result.top[0].channel == int(finite.abs().amax(0).argmax()) or _ties(finite) > 1
    ordered = finite.abs().flatten().sort().values
    assert values.bins.abs_quantile("0.5") == ordered[-(-len(ordered) // 2) - 1].item()


def _ties(rows):
    return int((rows.abs() == rows.abs().max()).sum())


@pytest.mark.parametrize("name", MEASURED)
def test_nothing_is_missing(name, both):
    assert both(name).measurement.missing == ()


@pytest.mark.parametrize("name", MEASURED)
def test_every_linear_map_is_named_once_with_what_it_reads(name, both):
    run = both(name)
    named = [m for site in run.of("linear_input") for m in site.maps if ".experts." not in m]
    assert sorted(named) == sorted(seen.maps(run.model, run.family.layers_name))
    for site, result in run.of("linear_input").items():
        for module in site.maps:
            same(result, run.seen.read_by(module))


@pytest.mark.parametrize("name", MEASURED)
def test_channels_and_blocks_of_what_maps_read_are_counted(name, both):
    run = both(name)
    for site, result in run.of("linear_input").items():
        rows = run.seen.read_by(site.maps[0]).abs().float()
        assert result.channel_maxima.tolist() == rows.amax(0).tolist()
        for size, bins in result.block_maxima.items():
            blocks = [part.amax(1) for part in rows.split(size, dim=1)]
            values, counts = torch.cat(blocks).to(torch.bfloat16).float().unique(return_counts=True)
            assert bins.values.tolist() == values.tolist()
            assert bins.counts.tolist() == counts.tolist()


@pytest.mark.parametrize("name", MEASURED)
def test_maps_that_read_one_tensor_share_a_row(name, both):
    run = both(name)
    for site in run.of("linear_input"):
        rows = [run.seen.read_by(module) for module in site.maps]
        assert all(torch.equal(rows[0], other) for other in rows)
    parents = [
        tuple(sorted({m.rpartition(".")[0] for m in site.maps})) for site in run.of("linear_input")
    ]
    if name == "qwen3":
        assert len(parents) == 4 * len(run.model.model.layers)


@pytest.mark.parametrize("name", MEASURED)
def test_keys_and_values_are_those_of_the_models_own_cache(name, both):
    run = both(name)
    num_layers = run.measurement.anatomy.num_layers
    layers = run.family.cached_layers
    layers = tuple(range(num_layers)) if layers is None else layers
    for role, kept in (("key", run.seen.keys), ("value", run.seen.values)):
        found = {site.layer: (site, result) for site, result in run.of(role).items()}
        assert sorted(found) == list(layers)
        for layer, (site, result) in found.items():
            heads = torch.cat(kept[layer], dim=1)
            assert site.num_heads == len(heads) == run.family.num_kv_heads
            assert site.is_latent == run.family.is_latent
            channels = result.channel_maxima.reshape(site.num_heads, -1)
            assert channels.tolist() == heads.float().abs().amax(1).tolist()
            assert result.values.count == heads.numel()
    expected = list(layers) if run.family.sees_queries else []
    assert sorted(site.layer for site in run.of("query")) == expected


@pytest.mark.parametrize("name", MEASURED)
def test_updates_are_what_is_added_to_the_stream_bit_for_bit(name, both):
    run = both(name)
    for index in range(run.measurement.anatomy.num_layers):
        layer, prefix = run.family.layer(index), f"{run.family.layers_name}.{index}"
        start, end = (seen.joined(kept[prefix]) for kept in (run.seen.inputs, run.seen.outputs))
        halves = {}
        for role, summands in (("attention_update", layer.attention), ("mlp_update", layer.mlp)):
            found = [r for s, r in run.of(role).items() if s.layer == index]
            assert len(found) == bool(summands)
            halves[role] = None
            if summands:
                whole = layer.mlp_factor if role == "mlp_update" else 1.0
                halves[role] = _added(run, prefix, summands, whole)
                same(found[0], halves[role])
        attention, mlp = halves["attention_update"], halves["mlp_update"]
        mids = {s: r for s, r in run.of("mid_residual").items() if s.layer == index}
        if layer.mid is None:
            assert not mids
            if attention is None and mlp is None:
                continue
            assert any(torch.equal(end, total) for total in _sums(start, attention, mlp))
            continue
        ((site, result),) = mids.items()
        assert site.module == f"{prefix}.{layer.mid}"
        mid = seen.joined(run.seen.inputs[site.module])
        same(result, mid)
        assert torch.equal(start + attention, mid)
        assert torch.equal(mid + mlp, end)


def _added(run, prefix, summands, whole):
    """What modules put out, each times its factor, added up, times another."""
    first, *others = (
        seen.joined(run.seen.outputs[f"{prefix}.{module}"]) * factor for module, factor in summands
    )
    return sum(others, first) * whole


def _sums(start, attention, mlp):
    """The orders in which a layer may add what it has."""
    if attention is None or mlp is None:
        yield start + (mlp if attention is None else attention)
        return
    yield (start + attention) + mlp
    yield start + (attention + mlp)


@pytest.mark.parametrize("name", EXPERTS)
def test_each_experts_input_is_the_largest_token_that_is_routed_to_it(name, both):
    run = both(name)
    found = run.measurement.recorder.result().expert_inputs
    experts = run.measurement.anatomy.experts
    assert sorted(site.layer for site in found) == sorted(experts)
    for site, (maxima, _) in found.items():
        largest = [-1.0] * len(maxima)
        for hidden, chosen, real in run.seen.routed[experts[site.layer]]:
            for row, numbers, is_real in zip(hidden, chosen.tolist(), real, strict=True):
                for expert in numbers if is_real else ():
                    largest[expert] = max(largest[expert], row.float().abs().max().item())
        assert maxima == tuple(largest)


@pytest.mark.parametrize("name", EXPERTS)
def test_each_experts_down_projection_reads_what_was_measured(name, both):
    run = both(name)
    for site, result in run.of("expert_down_input").items():
        largest = [-1.0] * len(result.expert_maxima)
        for expert, rows in run.seen.read_by_experts(site.module):
            largest[expert] = max([largest[expert], *rows.float().abs().amax(1).tolist()])
        assert result.expert_maxima == tuple(largest)


def calibrated(run):
    """The batches of the calibration split."""
    splits = [batch.split for batch in run.measurement.plan.batches]
    return slice(splits.count(Split.CALIBRATION))


def same_squares(found, by_expert, width):
    """Whether sums are those of each expert's rows, within the bound of float32 sums."""
    assert found.sums_ED.shape == (len(by_expert), width)
    assert found.num_rows == tuple(map(len, by_expert))
    for sums, rows in zip(found.sums_ED, by_expert, strict=True):
        exact = sum((row.double() ** 2 for row in rows), torch.zeros(width, dtype=torch.float64))
        bound = exact * len(rows) * 2**-24 + 2**-44
        assert (abs(torch.from_numpy(sums) - exact) <= bound).all()


@pytest.mark.parametrize("name", EXPERTS)
def test_squares_of_what_each_expert_is_given_are_added_up(name, both):
    run = both(name)
    experts = run.measurement.anatomy.experts
    for site, (maxima, squares) in run.measurement.recorder.result().expert_inputs.items():
        by_expert = [[] for _ in maxima]
        for hidden, chosen, real in run.seen.routed[experts[site.layer]][calibrated(run)]:
            for row, numbers, is_real in zip(hidden, chosen.tolist(), real, strict=True):
                for expert in numbers if is_real else ():
                    by_expert[expert].append(row)
        assert sum(map(len, by_expert)) > 0
        same_squares(squares, by_expert, hidden.shape[1])


@pytest.mark.parametrize("name", EXPERTS)
def test_squares_of_what_each_down_projection_reads_are_added_up(name, both):
    run = both(name)
    found = run.of("expert_down_input")
    assert len(found) == len(run.measurement.anatomy.experts)
    for site, result in found.items():
        by_expert = [[] for _ in result.expert_maxima]
        for expert, rows in run.seen.read_by_experts(site.module, calibrated(run)):
            by_expert[expert].extend(rows)
        same_squares(result.expert_sum_sq, by_expert, rows.shape[1])
