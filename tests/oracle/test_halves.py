"""Two halves of a run merge to the whole, in either order."""

import copy

import numpy as np
import pytest
import torch

from hubmaxact.measurement.anatomy.resolve import resolve
from hubmaxact.measurement.batch_plan import Split, plan_batches
from hubmaxact.measurement.execution.forward import measure
from oracle import tiny
from oracle.order import facts


def halves(name, dtype):
    """One run of a tiny model, and its two halves run apart."""
    model = tiny.random_model(name, seed=12).to(dtype)
    anatomy = resolve(model)
    choice = np.random.default_rng(5)
    lengths = [5, 9, 2, 14, 3, 3, 8, 11, 6, 1]
    ids = [choice.integers(3, 320, length).astype(np.int32) for length in lengths]
    plan = plan_batches(lengths, calibration=3, evaluation=4, batch_tokens=24)
    middle = len(plan.batches) // 2
    first, second = plan.batches[:middle], plan.batches[middle:]
    return [
        measure(model, anatomy, plan, ids, batches=batches).recorder
        for batches in (plan.batches, first, second)
    ]


def merged(first, second):
    """Fold one recorder's order-free state into a copy of another's."""
    total = copy.deepcopy(first)
    total.samples.merge(second.samples)
    for site, statistics in copy.deepcopy(second.sites).items():
        if site not in total.sites:
            total.sites[site] = statistics
            continue
        for split in Split:
            total.sites[site].values[split].merge(statistics.values[split])
        total.sites[site].top.merge(statistics.top)
        total.sites[site].massive.merge(statistics.massive)
    for layer, counts in second.routed.items():
        total.routed[layer] = total.routed[layer] + counts
    for site, maxima in second.expert_maxima.items():
        total.expert_maxima[site] = total.expert_maxima[site].maximum(maxima)
    return total


def state_of(recorder):
    sites = {
        (site.role, site.layer, site.part): (
            [facts(statistics.values[split].result()) for split in Split],
            statistics.top.best,
            (statistics.massive.num_tokens, statistics.massive.max_ratio),
        )
        for site, statistics in recorder.sites.items()
    }
    routed = {layer: counts.tolist() for layer, counts in recorder.routed.items()}
    experts = {site: maxima.tolist() for site, maxima in recorder.expert_maxima.items()}
    return sites, routed, experts, recorder.samples.abs_max.tolist()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize("name", ["qwen3_moe", "gemma2"])
def test_two_halves_of_a_run_merge_to_the_whole_in_either_order(name, dtype):
    whole, first, second = halves(name, dtype)
    assert state_of(merged(first, second)) == state_of(whole)
    assert state_of(merged(second, first)) == state_of(whole)
    assert state_of(first) != state_of(whole)
