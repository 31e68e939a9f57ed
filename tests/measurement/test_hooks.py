"""Hooks live as long as their block, and change nothing."""

import copy

import pytest
import torch
from torch.overrides import TorchFunctionMode
from transformers import AutoModelForCausalLM, Lfm2Config, Qwen3MoeConfig

from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.execution.float32_products import Float32Products
from hubmaxact.measurement.execution.hooks import attach_hooks

SIZES = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
}


class Deaf:
    """A sink that hears and forgets."""

    def __init__(self):
        self.shapes = []

    def tensor(self, site, x, routed):
        self.shapes.append((site.role, tuple(x.shape), routed is not None))

    def routing(self, layer, top_k_index):
        self.shapes.append(("routing", tuple(top_k_index.shape), False))

    def cached(self, site, x):
        self.shapes.append(("cached", tuple(x.shape), False))

    def attended(self, site, seen):
        self.shapes.append(("attended", tuple(seen.query.shape), False))

    def logits(self, site, logits, mask):
        self.shapes.append(("logits", tuple(logits.shape), False))


class Angry(Deaf):
    def tensor(self, site, x, routed):
        raise RuntimeError("no more")


def moe():
    torch.manual_seed(0)
    config = Qwen3MoeConfig(
        **SIZES, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24, mlp_only_layers=[0]
    )
    return AutoModelForCausalLM.from_config(config).eval()


def functional():
    """LFM2 calls its activation as a function: there is no module to hook."""
    torch.manual_seed(0)
    config = Lfm2Config(**SIZES, layer_types=["conv", "full_attention"], block_multiple_of=16)
    return AutoModelForCausalLM.from_config(config).eval()


def hooks_of(model):
    return {
        name: (len(m._forward_hooks), len(m._forward_pre_hooks), "_apply_gate" in vars(m))
        for name, m in model.named_modules()
    }


@pytest.fixture(params=[moe, functional], ids=["moe", "functional"])
def model(request):
    return request.param()


IDS = torch.arange(20).reshape(2, 10)


def test_no_hook_outlives_the_block(model):
    anatomy, before = find_sites(model), hooks_of(model)
    with attach_hooks(model, anatomy, Deaf()):
        assert hooks_of(model) != before
    assert hooks_of(model) == before


def test_no_hook_outlives_an_error_in_the_sink(model):
    anatomy, before = find_sites(model), hooks_of(model)
    with pytest.raises(RuntimeError, match="no more"), attach_hooks(model, anatomy, Angry()):
        model(input_ids=IDS)
    assert hooks_of(model) == before
    model(input_ids=IDS)  # no function mode was left behind either


def test_no_hook_outlives_a_site_that_is_not_there(model):
    anatomy, before = find_sites(model), hooks_of(model)
    broken = copy.deepcopy(model)
    del broken.get_submodule("model").layers[1]
    with pytest.raises(AttributeError), attach_hooks(broken, anatomy, Deaf()):
        pass
    assert hooks_of(model) == before
    assert not any(any(counts) for counts in hooks_of(broken).values())


def test_watching_changes_no_bit(model):
    plain = model(input_ids=IDS).logits
    with attach_hooks(model, find_sites(model), Deaf()):
        watched = model(input_ids=IDS).logits
    assert torch.equal(plain, watched)


def test_every_site_fires_once_per_forward_pass(model):
    anatomy = find_sites(model)
    with attach_hooks(model, anatomy, Deaf()) as fired, torch.inference_mode():
        for _ in range(3):
            model(input_ids=IDS)
    assert dict(fired) == dict.fromkeys(anatomy.sites, 3)


def test_only_experts_say_which_token_a_row_is(model):
    sink = Deaf()
    with attach_hooks(model, find_sites(model), sink):
        model(input_ids=IDS)
    routed = [(role, shape) for role, shape, has_rows in sink.shapes if has_rows]
    expected = [("mlp_gate", (40, 24))] if model.config.model_type == "qwen3_moe" else []
    assert routed == expected


class Spy(TorchFunctionMode):
    """Notes the functions that go through it."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen.add(func)
        return func(*args, **(kwargs or {}))


class Sinh(Deaf):
    """A sink that calls what no model calls."""

    def tensor(self, site, x, routed):
        torch.sinh(x)
        super().tensor(site, x, routed)

    def routing(self, layer, top_k_index):
        torch.asinh(top_k_index)
        super().routing(layer, top_k_index)


def test_what_a_sink_computes_goes_through_no_function_mode(model):
    with attach_hooks(model, find_sites(model), Sinh()), Spy() as spy:
        model(input_ids=IDS)
    assert torch.nn.functional.linear in spy.seen
    assert not {torch.sinh, torch.asinh} & spy.seen


def test_products_in_float32_show_every_site_what_it_is(model):
    anatomy, shapes = find_sites(model), []
    model.bfloat16()
    for mode in (Spy(), Float32Products()):
        sink = Deaf()
        with attach_hooks(model, anatomy, sink) as fired, mode:
            model(input_ids=IDS)
        assert dict(fired) == dict.fromkeys(anatomy.sites, 1)
        shapes.append(sink.shapes)
    assert shapes[0] == shapes[1]
