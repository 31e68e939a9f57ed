"""What cannot be streamed is refused in one sentence with its reason, before the first pass."""

import shutil

import pytest
import torch
from command import DENSE, hubmaxact_here
from deployed import odd_families
from oracle import tiny
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from hubmaxact import Options
from hubmaxact.errors import OptionsError

SMALL = {"vocab_size": 320, "hidden_size": 32, "num_hidden_layers": 4}
RWKV = SMALL | {"attention_hidden_size": 32, "rescale_every": 2, "context_length": 64}
GEMMA = SMALL | {
    "layer_types": ["sliding_attention", "full_attention"] * 2, "vocab_size_per_layer_input": 320,
    "hidden_size_per_layer_input": 8, "num_kv_shared_layers": 2, "sliding_window": 8,
    "intermediate_size": 56, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
}  # fmt: skip


def saved(model, folder):
    model.to(torch.bfloat16).save_pretrained(folder)
    tiny.tokenizer().save_pretrained(folder)
    return folder


def made(model_type, config, folder):
    torch.manual_seed(0)
    config = AutoConfig.for_model(model_type, **config)
    return saved(AutoModelForCausalLM.from_config(config), folder)


def refused(folder, cwd, *words):
    """The one sentence that a streamed run ends with; it writes nothing."""
    done = hubmaxact_here(
        "measure", folder, "--stream", "--num-samples", 4, "--device", "cpu", *words, cwd=cwd
    )
    assert done.returncode == 2, done.stderr
    assert not [path for path in cwd.iterdir() if path.is_file()]
    return done.stderr.splitlines()[-1]


@pytest.mark.nightly
def test_layers_that_read_keys_and_values_of_others_by_the_configuration(tmp_path):
    folder = made("gemma4_text", GEMMA, tmp_path / "gemma")
    assert "cannot be streamed: config.json has num_kv_shared_layers 2" in refused(folder, tmp_path)


def test_layers_that_read_what_others_return(tmp_path):
    folder = saved(odd_families.build("zaya"), tmp_path / "zaya")
    assert (
        "ZayaForCausalLM cannot be streamed: layer 1 reads what another layer returns beside the "
        "hidden state. Leave out --stream"
    ) in refused(folder, tmp_path)


def test_a_decoder_that_changes_weights_of_layers_that_do_not_run(tmp_path):
    folder = made("rwkv", RWKV, tmp_path / "rwkv")
    sentence = refused(folder, tmp_path)
    assert "uses weights of a layer outside of that layer's turn, in aten::div_" in sentence


@pytest.mark.parametrize(
    ("also", "said"),
    [
        ({"device_map": "auto"}, "device_map spreads layers"),
        ({"end_to_end": "int8", "profile": "deployment"}, "end_to_end runs"),
        ({"batch_tokens": None}, "batch_tokens auto finds"),
    ],
)
def test_options_that_need_all_layers(also, said):
    with pytest.raises(OptionsError, match=f"stream loads one layer at a time, and {said}"):
        Options(stream=True, **also)


@pytest.mark.by_day("missing")
@pytest.mark.parametrize("change", ["missing", "of another shape", "unexpected"])
def test_incomplete_weights_are_refused_with_the_sentence_of_a_run_in_memory(change, tmp_path):
    folder = shutil.copytree(DENSE, tmp_path / "incomplete")
    weights = load_file(folder / "model.safetensors")
    name = "model.layers.6.mlp.up_proj.weight"
    if change == "missing":
        del weights[name]
    elif change == "unexpected":
        weights[name.replace("up_proj", "side_proj")] = weights[name].clone()
    else:
        weights[name] = weights[name][:-1].clone()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    words = ["measure", folder, "--num-samples", 4, "--device", "cpu"]
    in_memory = hubmaxact_here(*words, cwd=tmp_path).stderr.splitlines()[-1]
    assert name.rpartition(".mlp")[0] in in_memory
    assert refused(folder, tmp_path) == in_memory
