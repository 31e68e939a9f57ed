"""Every site of a simulated run equals that of plain hooks, and is what reaches the rounding."""

from collections import defaultdict

import pytest
import torch

from hubmaxact.measurement.anatomy.site import Point
from hubmaxact.measurement.execution.hooks import attach_hooks
from hubmaxact.measurement.simulation.simulation import simulation_of
from simulation import directly
from simulation.conftest import plain

IDS = torch.arange(3, 27).view(2, 12)

FORMATS = {
    "fp8": (directly.dynamic(128, directly.E4M3), ("float8_e4m3fn", "block_128", "dynamic")),
    "ct-fp8": (directly.dynamic(1 << 20, directly.E4M3), ("float8_e4m3fn", "per_token", "dynamic")),
    "ct-w8a8": (directly.dynamic(1 << 20, directly.INT8), ("int8", "per_token", "dynamic")),
    "ct-fp8-static": (
        directly.static(torch.tensor(0.02).bfloat16().item(), directly.E4M3),
        ("float8_e4m3fn", "per_tensor", "stored"),
    ),
    "fp8-tensor": (
        directly.static(torch.tensor(0.05).bfloat16().item(), directly.E4M3),
        ("float8_e4m3fn", "per_tensor", "stored"),
    ),
    "ct-nvfp4": (directly.nvfp4(200.0), ("nvfp4", "block_16", "stored")),
    "modelopt-nvfp4": (
        directly.nvfp4(torch.tensor(0.01).reciprocal().item()),
        ("nvfp4", "block_16", "stored"),
    ),
}

WHOLE = (Point.OUTPUT, Point.INPUT, Point.EXPERT_INPUT, Point.EXPERT_DOWN)
"""Points whose tensor is a module's or a product's, all of it."""


class Kept:
    """A sink that keeps whole tensors."""

    def __init__(self):
        self.tensors = {}

    def tensor(self, site, x, _):
        self.tensors[site] = x.clone()

    def expert_input(self, site, x, _):
        self.tensors[site] = x.clone()

    def routing(self, *_):
        pass

    routed_rows = cached = attended = logits = routing


def simulated(model, anatomy, simulation):
    """What hooks of a measurement see while a simulation runs."""
    kept = Kept()
    with torch.no_grad(), attach_hooks(model, anatomy, kept), simulation.applied():
        model.model(input_ids=IDS, use_cache=False)
    return kept.tensors


def expected(direct, site):
    """The same tensor, as plain hooks saw it."""
    if site.point is Point.EXPERT_DOWN:
        return direct.inputs[f"{site.module}.down_proj"]
    if site.point in (Point.INPUT, Point.EXPERT_INPUT):
        return direct.inputs[site.module]
    return direct.outputs[site.module]


def in_model(modules):
    """Names of maps as the loaded model has them: experts of a layer are two stacks there."""
    for name in modules:
        experts, inside, rest = name.partition(".experts.")
        ends = {"down_proj": "down_proj"}
        yield name if not inside else f"{experts}.experts.{ends.get(rest[2:], 'gate_up_proj')}"


@pytest.mark.parametrize("base", ["dense", "moe"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_site_is_that_of_plain_hooks(name, base, files_of):
    model, anatomy = plain(base)
    rounds, (form, granularity, policy) = FORMATS[name]
    files = files_of(name, base)
    simulation = simulation_of(files, model)
    quantized = {each.name.removesuffix(".weight") for each in files.stored.weights}
    (row,) = simulation.rows
    assert row == {
        "format": form, "granularity": granularity, "policy": policy, "maps": len(quantized)
    }  # fmt: skip
    direct = directly.Direct().run(model, IDS, dict.fromkeys(in_model(quantized), rounds))
    seen = simulated(model, anatomy, simulation)
    roles = defaultdict(int)
    for site, x in seen.items():
        if site.point in WHOLE:
            assert torch.equal(x, expected(direct, site)), site
            roles[site.role] += 1
    assert roles["linear_input"] >= 16 and roles["hidden_state"] == 8
