"""Models that a cache of ours would change, or that refuse it, are measured without, and say so."""

import warnings

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from deployed.families import GPT, GROUPED
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.report.roles import DEPLOYMENT

REFUSED = ValueError("this model keeps no keys")


def refusing(error=REFUSED):
    """Its second layer runs without a cache only."""
    model = _made("qwen3", GROUPED)

    def refuse(_, __, kwargs):
        if kwargs.get("past_key_values") is not None:
            raise error

    model.model.layers[1].register_forward_pre_hook(refuse, with_kwargs=True)
    return model


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
        (
            refusing,
            "its forward pass fails with a cache that keeps nothing: ValueError: this model",
        ),
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


def test_memory_that_runs_out_is_not_taken_for_a_refused_cache():
    with pytest.raises(MemoryError):
        find_sites(refusing(MemoryError()), profile=DEPLOYMENT)
