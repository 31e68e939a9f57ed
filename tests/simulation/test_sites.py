"""Every site of a simulated run equals that of plain hooks, and is what reaches the rounding."""

from collections import Counter

import pytest
import torch
from deployed import odd_families

from hubmaxact.deployed_formats import DEPLOYED_FORMATS
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.anatomy.map_weights import weight_named
from hubmaxact.measurement.anatomy.site import Point
from hubmaxact.measurement.execution.hooks import attach_hooks
from hubmaxact.measurement.simulation.rounded_maps import RoundedMaps, Rounding
from hubmaxact.measurement.simulation.served import Served
from hubmaxact.measurement.simulation.simulation import Simulation, simulation_of
from simulation import directly
from simulation.conftest import plain

IDS = torch.arange(3, 27).view(2, 12)

ROW = 1 << 20
BOUND = 0.5  # below many a token's largest |x|


def bf16(number):
    return torch.tensor(number).bfloat16().item()


FORMATS = {
    "fp8": (directly.dynamic(128, directly.E4M3), "float8_e4m3fn/block_128/dynamic"),
    "fp8-scale": (directly.powers(128, directly.E4M3, directly.up_e4m3), "mxfp8/block_128/dynamic"),
    "ct-fp8": (directly.dynamic(ROW, directly.E4M3), "float8_e4m3fn/per_token/dynamic"),
    "fbgemm": (directly.bounded(BOUND), "float8_e4m3fn/per_token/dynamic"),
    "ct-fp8-static": (
        directly.static(bf16(0.02), directly.E4M3),
        "float8_e4m3fn/per_tensor/stored",
    ),
    "fp8-tensor": (directly.static(bf16(0.05), directly.E4M3), "float8_e4m3fn/per_tensor/stored"),
    "ct-w8a8": (directly.dynamic(ROW, directly.INT8), "int8/per_token/dynamic"),
    "ct-mxfp8": (directly.powers(32, directly.E4M3, directly.up_e4m3), "mxfp8/block_32/dynamic"),
    "ct-mxfp4": (directly.powers(32, directly.E2M1, directly.even_e2m1), "mxfp4/block_32/dynamic"),
    "ct-nvfp4": (directly.nvfp4(200.0), "nvfp4/block_16/stored"),
    "modelopt-nvfp4": (
        directly.nvfp4(torch.tensor(0.01).reciprocal().item()),
        "nvfp4/block_16/stored",
    ),
}
ALWAYS = {
    ("fp8", "dense"), ("ct-fp8", "moe"), ("fbgemm", "dense"), ("ct-fp8-static", "moe"),
    ("ct-w8a8", "moe"), ("ct-nvfp4", "dense"),
}  # fmt: skip
"""By night all, on both models."""

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


def lower_bound(tensors):
    """fbgemm's bound where it bites."""
    for name in tensors:
        if name.endswith(".input_scale_ub"):
            tensors[name] = torch.tensor([BOUND])


@pytest.mark.by_day("fp8-dense", "ct-fp8-static-moe", "ct-nvfp4-dense")
@pytest.mark.parametrize(
    ("name", "base"),
    [
        pytest.param(
            name,
            base,
            marks=() if (name, base) in ALWAYS else pytest.mark.nightly,
            id=f"{name}-{base}",
        )
        for name in FORMATS
        for base in ("dense", "moe")
    ],
)
def test_every_site_is_that_of_plain_hooks(name, base, files_of):
    model, anatomy = plain(base)
    rounds, way = FORMATS[name]
    files = files_of(name, base, lower_bound if name == "fbgemm" else None)
    simulation = simulation_of(files, model)
    quantized = {each.name.removesuffix(".weight") for each in files.stored.weights}
    (row,) = simulation.rows
    assert row.pop("maps") == len(quantized)
    assert "/".join(row.values()) == way
    direct = directly.Direct().run(model, IDS, dict.fromkeys(in_model(quantized), rounds))
    seen = simulated(model, anatomy, simulation)
    roles = Counter(site.role for site in seen if site.point in WHOLE)
    assert roles["linear_input"] >= 16
    assert roles["hidden_state"] == 8
    for site, x in seen.items():
        if site.point in WHOLE:
            assert torch.equal(x, expected(direct, site)), site
    plainly = directly.Direct().run(model, IDS, {})
    assert not torch.equal(plainly.outputs["model.norm"], direct.outputs["model.norm"])


def test_nothing_outlives_the_block(files_of):
    model, _ = plain("moe")
    simulation = simulation_of(files_of("ct-w8a8", "moe"), model)
    before = directly.Direct().run(model, IDS, {})
    with simulation.applied():
        during = directly.Direct().run(model, IDS, {})
    after = directly.Direct().run(model, IDS, {})
    assert not torch.equal(before.outputs["model.norm"], during.outputs["model.norm"])
    assert torch.equal(before.outputs["model.norm"], after.outputs["model.norm"])
    assert not any(module._forward_pre_hooks for module in model.modules())
    assert not any("_apply_gate" in vars(module) for module in model.modules())


def test_a_tensor_that_is_watched_is_never_changed(files_of):
    model, anatomy = plain("moe")
    simulation, watched = simulation_of(files_of("ct-w8a8", "moe"), model), []

    class Watching(Kept):
        def tensor(self, site, x, _):
            watched.append((site, x, x.clone()))

    with torch.no_grad(), attach_hooks(model, anatomy, Watching()), simulation.applied():
        model.model(input_ids=IDS, use_cache=False)
    assert {"linear_input", "expert_down_input"} & {site.role for site, _, _ in watched}
    for site, x, before in watched:
        assert torch.equal(x, before), site


@pytest.mark.parametrize(
    ("name", "maps_of"),
    [
        pytest.param(
            "jetmoe",
            ["model.layers.0.mlp.input_linear", "model.layers.0.mlp.output_linear"],
            marks=pytest.mark.nightly,
        ),
        ("dbrx", [f"transformer.blocks.0.ffn.experts.mlp.{each}" for each in ("w1", "w2")]),
    ],
)
def test_products_that_no_map_makes_are_watched_before_they_are_rounded(name, maps_of):
    """To multiples of a huge number all is zero: not what the first read, but what it makes."""
    model = odd_families.build(name)
    anatomy = find_sites(model, profile="deployment")
    sites = [each for each in anatomy.sites if each.point is Point.PRODUCT]
    (way,) = (way for way in DEPLOYED_FORMATS if way.name == "int8/per_tensor/max_abs")
    weights = [weight_named(model, name) for site in sites for name in site.maps]
    maps = [RoundedMaps((each,), Served(way, None), Rounding(way, 1e30), 1) for each in weights]
    kept, simulation = Kept(), Simulation(model, maps)
    with torch.no_grad(), attach_hooks(model, anatomy, kept), simulation.applied() as done:
        model.get_submodule(anatomy.owner)(input_ids=IDS, use_cache=False)
    assert done == {each.name for each in weights}
    here = {
        s.maps[0]: kept.tensors[s].any() for s in sites if s.layer == 0 and ".mlp." in s.maps[0]
    }
    assert [bool(here[name]) for name in maps_of] == [True, False]
