"""Models that a cache of ours would change, or that refuse it, are measured without, and say so."""

import warnings

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from deployed.families import BASE, GPT
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.report.roles import DEPLOYMENT

MINIMAX = BASE | {
    "num_key_value_heads": 2, "head_dim": 8, "layer_types": ["linear_attention", "full_attention"],
    "block_size": 8, "num_local_experts": 4, "num_experts_per_tok": 2,
}  # fmt: skip


def minimax():
    """It insists on a cache of its own class."""
    return _made("minimax", MINIMAX)


def codegen():
    """It rounds keys that it hands to a cache, and no others: rotary tables are float32 there."""
    model = _made("codegen", GPT | {"rotary_dim": 4})
    for block in model.transformer.h:
        block.attn.embed_positions = block.attn.embed_positions.float()
    return model


def _made(model_type, config):
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = AutoConfig.for_model(model_type, **config)
        model = AutoModelForCausalLM.from_config(made).eval().to(torch.bfloat16)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() >= 2:  # as large as makes attention look somewhere
                parameter.normal_(0.0, 0.3)
    return model


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (minimax, "its forward pass takes no cache of ours: ValueError: MiniMax uses cache"),
        (codegen, "a cache that keeps nothing changes what transformer.h.0.attn puts out"),
    ],
)
def test_keys_and_values_are_missing_with_the_reason_and_all_else_is_seen(make, reason):
    anatomy = find_sites(make(), profile=DEPLOYMENT)
    lost = [(site.role, site.layer) for site in anatomy.missing]
    assert lost == [("key", 0), ("value", 0), ("key", 1), ("value", 1)]
    assert all(site.reason.startswith(reason) for site in anatomy.missing)
    assert all(len(site.reason) <= 256 for site in anatomy.missing)
    roles = {site.role for site in anatomy.sites}
    assert "linear_input" in roles
    assert not roles & {"key", "value"}
