"""The same weights as PEFT's own merge_and_unload gives in float32, rounded once."""

import pytest
import torch
from command import DENSE
from quantizers import quantizer
from transformers import AutoModelForCausalLM

from adapters.lora import gpt2, random
from hubmaxact.measurement.checkpoint.adapter_files import with_adapter
from hubmaxact.measurement.checkpoint.load import load
from hubmaxact.measurement.checkpoint.weight_files import inspect
from hubmaxact.recognition.folder import Folder

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.filterwarnings("ignore"),  # of others, to each other
]

OPTIONS = {
    "all maps": {"target_modules": "all-linear"},
    "ranks and alphas": {
        "target_modules": ["q_proj", "down_proj"],
        "rank_pattern": {"down_proj": 2, r"^model\.layers\.1.*q_proj": 6},
        "alpha_pattern": {"layers.3.self_attn.q_proj": 11},
        "use_rslora": True,
    },
    "whole modules": {"target_modules": ["v_proj"], "modules_to_save": ["embed_tokens", "norm"]},
    "a head": {"target_modules": ["v_proj"], "modules_to_save": ["lm_head"]},
    "both, tied": {
        "target_modules": ["v_proj"],
        "modules_to_save": ["embed_tokens"],
        "ensure_weight_tying": True,
    },
    "an embedding": {"target_modules": ["embed_tokens", "o_proj"]},
}


def trained(base, folder, **options):
    """Save an adapter with random factors; return PEFT's merged weights in float32."""
    peft = quantizer("peft")
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=4, lora_alpha=6, **options))
    for number, weight in enumerate(adapted.parameters()):
        if weight.requires_grad:
            weight.data = random(*weight.shape, seed=number, scale=0.1)
    adapted.save_pretrained(folder)
    return adapted.merge_and_unload().state_dict()


def assert_merged_alike(base, folder, expected, dtype):
    files = with_adapter(inspect(base), Folder(folder), folder)
    found = load(files, device="cpu", dtype=str(dtype).removeprefix("torch."))
    state = found.model.state_dict()
    assert state.keys() == expected.keys()
    differ = [name for name in state if not torch.equal(state[name], expected[name].to(dtype))]
    assert differ == []


@pytest.mark.parametrize("name", OPTIONS)
def test_weights_are_those_of_merge_and_unload(tmp_path, name):
    expected = trained(DENSE, tmp_path, **OPTIONS[name])
    for dtype in (torch.float32, torch.bfloat16):
        assert_merged_alike(DENSE, tmp_path, expected, dtype)


def test_weights_with_a_row_for_each_input_and_trained_biases(tmp_path):
    base, folder = gpt2(tmp_path / "base"), tmp_path / "lora"
    for options in ({"bias": "all"}, {"lora_bias": True}):
        expected = trained(base, folder, target_modules=["c_attn", "c_proj", "c_fc"],
                           fan_in_fan_out=True, **options)  # fmt: skip
        assert_merged_alike(base, folder, expected, torch.bfloat16)
