"""A planted value is found at its coordinates: 100 random plants, in every kind of tiny model.

The plant is written by a forward hook registered before the run, so it precedes all its hooks.
Fused experts offer no output to write to: there, one token's way into them is made huge instead.
"""

import random
from functools import cache

import numpy as np
import pytest
import torch

from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.assembly.maxima import global_max
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.execution.forward import measure
from oracle import brute, tiny
from oracle.capture import expert_gates
from oracle.families import FAMILIES, VOCABULARY

MODELS = ("qwen3", "qwen3_moe", "gemma2", "qwen3_next")
NUM_SAMPLES, BUDGET = 7, 40


@cache
def subject(name):
    """A bf16 model with its anatomy."""
    model = tiny.random_model(name, seed=9).to(torch.bfloat16)
    return model, find_sites(model)


def random_input(choice):
    """Ids of a few samples, and their plan."""
    lengths = [choice.randint(2, 18) for _ in range(NUM_SAMPLES)]
    ids = [
        np.array([choice.randrange(3, VOCABULARY) for _ in range(length)], dtype=np.int32)
        for length in lengths
    ]
    return ids, plan_batches(lengths, calibration=2, evaluation=3, batch_tokens=BUDGET)


class Plant:
    """Where a value is written: one sample, position and channel of one module's tensor."""

    def __init__(self, choice, ids, plan):
        self.sample = choice.randrange(NUM_SAMPLES)
        self.position = choice.randrange(len(ids[self.sample]))
        self.token_id = int(ids[self.sample][self.position])
        self.batch = next(b for b in plan.batches if self.sample in b.samples)
        self.share = choice.random()  # of the width: the channel
        magnitude = torch.tensor(choice.uniform(2.5e4, 6e4)).bfloat16().item()
        self.value = choice.choice((-1, 1)) * magnitude
        self.channel = None
        self.calls = 0

    def is_next(self):
        """Whether the batch of this call holds the sample; modules run once per batch."""
        self.calls += 1
        return self.calls - 1 == self.batch.index

    @property
    def row(self):
        """The token's row in the flattened batch."""
        return self.batch.samples.index(self.sample) * self.batch.length + self.position

    def write(self, _module, _args, output):
        """Forward hook: put the value in place."""
        tensor = output[0] if isinstance(output, tuple) else output
        if self.is_next():
            flat = tensor.view(-1, tensor.shape[-1])
            assert len(flat) == len(self.batch.samples) * self.batch.length
            self.channel = int(self.share * flat.shape[1])
            flat[self.row, self.channel] = self.value

    @property
    def coordinates(self):
        """What a report must say."""
        return {
            "sample": self.sample,
            "token_position": self.position,
            "token_id": self.token_id,
            "channel": self.channel,
        }


def place_of(value):
    """The coordinates of one of hubmaxact's values."""
    return {
        "sample": value.sample,
        "token_position": value.position,
        "token_id": value.token_id,
        "channel": value.channel,
    }


def assert_found(measurement, watch, plant):
    """The site's largest value is the plant; where M is taken, so is M."""
    seen = measurement.recorder.result().sites
    (best,) = [
        result.top[0]
        for site, result in seen.items()
        if (site.role, site.layer, site.part) == watch.key
    ]
    assert (best.value, place_of(best)) == (plant.value, plant.coordinates)
    if watch.role not in brute.M_ROLES:
        return
    peak = global_max(seen, measurement.plan)
    assert (peak["value"], peak["batch"]) == (plant.value, plant.batch.index)
    assert {name: peak[name] for name in plant.coordinates} == plant.coordinates
    carriers = {(c["role"], c["layer"], c["part"]): c for c in peak["carriers"]}
    assert carriers[watch.key]["num_ties"] == 1
    assert {n: carriers[watch.key][n] for n in plant.coordinates} == plant.coordinates
    assert list(carriers) == sorted(carriers, key=brute.site_order)
    # The residual stream may carry the same value on: then the first in order is M's place.
    assert (peak["role"], peak["layer"], peak["part"]) == next(iter(carriers))


@pytest.mark.by_day("?", "1?")
@pytest.mark.parametrize("seed", range(100))
def test_a_planted_value_is_found_at_its_coordinates(seed):
    choice = random.Random(seed)
    name = MODELS[seed % len(MODELS)]
    model, anatomy = subject(name)
    role = choice.choice(sorted({watch.role for watch in FAMILIES[name].watches}))
    watch = choice.choice(
        [w for w in FAMILIES[name].watches if w.role == role and w.how == "output"]
    )
    ids, plan = random_input(choice)
    plant = Plant(choice, ids, plan)
    handle = model.get_submodule(watch.module).register_forward_hook(plant.write)
    try:
        measurement = measure(model, anatomy, plan, ids)
    finally:
        handle.remove()
    assert plant.calls == len(plan.batches) > 1
    assert_found(measurement, watch, plant)


IMPLEMENTATIONS = [
    *((name, "grouped_mm") for name in ("qwen3_moe", "qwen3_next", "gpt_oss", "deepseek_v3")),
    *((name, "batched_mm") for name in ("qwen3_moe", "gpt_oss")),
]
"""The ways transformers runs fused experts whose rows hubmaxact knows."""


@pytest.mark.by_day("0-*")
@pytest.mark.parametrize(("name", "implementation"), IMPLEMENTATIONS)
@pytest.mark.parametrize("seed", range(3))
def test_a_huge_token_inside_fused_experts_is_found_at_its_coordinates(name, implementation, seed):
    choice = random.Random(f"{name} {seed}")
    model = tiny.random_model(name, seed=9).to(torch.bfloat16)
    model.set_experts_implementation(implementation)
    watch = choice.choice([w for w in FAMILIES[name].watches if w.how == "experts"])
    ids, plan = random_input(choice)
    plant = Plant(choice, ids, plan)

    def enlarge(experts, args):
        hidden, indices, *_ = args
        if plant.is_next():
            hidden[plant.row] *= 1024
            gates, rows, _ = expert_gates(experts, hidden, indices)
            gates = gates[rows == plant.row]
            _, plant.channel = divmod(int(gates.abs().argmax()), gates.shape[1])
            plant.value = gates.flatten()[gates.abs().argmax()].item()

    anatomy = find_sites(model)
    model.get_submodule(watch.module).register_forward_pre_hook(enlarge)
    measurement = measure(model, anatomy, plan, ids)
    (best,) = [
        statistics.result().top[0]
        for site, statistics in measurement.recorder.sites.items()
        if (site.role, site.layer, site.part) == watch.key
    ]
    assert place_of(best) == plant.coordinates
    assert abs(best.value - plant.value) <= brute.bf16_step(plant.value)
