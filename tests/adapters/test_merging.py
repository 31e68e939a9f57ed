"""A merged weight is W + scale * (B @ A), summed in float32 and rounded once."""

import json
import math
import shutil

import pytest
import torch
from command import DENSE, MOE, hubmaxact_here
from quantized.makers import make
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from adapters.lora import (
    AROUND,
    DOWN,
    EMBEDDING,
    LAYER,
    Q,
    gpt2,
    pair,
    plain,
    random,
    write_adapter,
)
from hubmaxact.measurement.checkpoint.adapter_files import with_adapter
from hubmaxact.measurement.checkpoint.load import load
from hubmaxact.measurement.checkpoint.weight_digests import digest_weights
from hubmaxact.measurement.checkpoint.weight_files import inspect
from hubmaxact.recognition.folder import Folder

ATTENTION = "transformer.h.1.attn."
EXPERT = "model.layers.1.mlp.experts.3.gate_proj"


def merged(base, adapter, **how):
    return load(with_adapter(inspect(base), Folder(adapter), adapter), device="cpu", **how)


def weights_of(base):
    found = {}
    for file in sorted(base.glob("*.safetensors")):
        found |= load_file(file)
    return found


def summed(weight, b, a, scale, *, transposed=False):
    product = b.float() @ a.float()
    return (weight.float() + (product.T if transposed else product) * scale).to(weight.dtype)


def by_hand(base, changes, folder):
    """The model that transformers loads of a checkpoint with these weights changed."""
    shutil.copytree(base, folder, ignore=shutil.ignore_patterns("*.safetensors*"))
    save_file({**weights_of(base), **changes}, folder / "model.safetensors", {"format": "pt"})
    return load(inspect(folder), device="cpu").model.state_dict()


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    differ = [name for name in expected if not torch.equal(found[name], expected[name])]
    assert differ == []


def both(name, tensors):
    return tensors[f"{AROUND}{name}.lora_B.weight"], tensors[f"{AROUND}{name}.lora_A.weight"]


@pytest.mark.parametrize(
    ("said", "scales"),
    [
        ({}, (6 / 4, 6 / 4)),
        ({"use_rslora": True}, (6 / math.sqrt(4), 6 / math.sqrt(4))),
        ({"alpha_pattern": {"mlp.down_proj": 1, r"^model\.layers.*proj$": 3}}, (3 / 4, 1 / 4)),
        ({"r": 9, "rank_pattern": {"q_proj": 4, ".*layers.2.*": 4}, "lora_alpha": 0.5},
         (0.5 / 4, 0.5 / 4)),
    ],
    ids=["alpha over r", "rslora", "alphas", "ranks"],
)  # fmt: skip
def test_products_are_added_by_the_scale_of_their_module(tmp_path, said, scales):
    tensors, base = plain(), weights_of(DENSE)
    adapter = write_adapter(tmp_path / "lora", tensors, **said)
    found = merged(DENSE, adapter).model.state_dict()
    expected = {
        f"{name}.weight": summed(base[f"{name}.weight"], *both(name, tensors), scale)
        for name, scale in zip((Q, DOWN), scales, strict=True)
    }
    assert_same(found, load(inspect(DENSE), device="cpu").model.state_dict() | expected)


def test_it_is_rounded_to_the_format_of_the_run_and_not_before(tmp_path):
    tensors = {name: each.bfloat16() for name, each in pair(Q, 256, 128).items()}
    adapter = write_adapter(tmp_path / "lora", tensors)
    weight = weights_of(DENSE)[f"{Q}.weight"].float()
    expected = summed(weight, *both(Q, tensors), 1.5)
    for dtype in (torch.float32, torch.float16):
        name = str(dtype).removeprefix("torch.")
        found = merged(DENSE, adapter, dtype=name).model.state_dict()[f"{Q}.weight"]
        assert torch.equal(found, expected.to(dtype))


def test_whole_tensors_take_the_place_of_the_bases(tmp_path):
    """An embedding for more tokens, its tied head, a norm; and the tokenizer with the tokens."""
    norm = f"{LAYER}input_layernorm.weight"
    table = random(4104, 128, seed=3, scale=0.02).bfloat16()
    adapter = write_adapter(
        tmp_path / "lora",
        {
            **plain(),
            f"{AROUND}{norm}": random(128),
            f"{AROUND}{EMBEDDING}.weight": table,
            f"{AROUND}lm_head.weight": table.clone(),
        },
        modules_to_save=["embed_tokens", "lm_head", "layers.2.input_layernorm"],
    )
    tokenizer = AutoTokenizer.from_pretrained(DENSE)
    tokenizer.add_tokens([f"<added {number}>" for number in range(8)])
    tokenizer.save_pretrained(adapter)
    found = merged(DENSE, adapter)
    state = found.model.state_dict()
    assert torch.equal(state[norm], random(128).bfloat16())
    assert torch.equal(state[f"{EMBEDDING}.weight"], table)
    assert found.model.config.vocab_size == 4104
    assert found.tokenizer("<added 7>", add_special_tokens=False).input_ids == [4103]


def test_a_head_that_was_the_embedding_stays_what_it_was(tmp_path):
    """PEFT replaces the embedding alone; the head is run by --end-to-end."""
    table = random(4096, 128, seed=3).bfloat16()
    tensors = {f"{AROUND}{EMBEDDING}.weight": table}
    adapter = write_adapter(tmp_path / "lora", tensors, modules_to_save=["embed_tokens"])
    found = merged(DENSE, adapter).model.state_dict()
    assert torch.equal(found[f"{EMBEDDING}.weight"], table)
    assert torch.equal(found["lm_head.weight"], weights_of(DENSE)[f"{EMBEDDING}.weight"])


def test_an_embedding_has_factors_of_its_own(tmp_path):
    a, b = random(4, 4096), random(128, 4, seed=1)
    table = random(4096, 128, seed=2).bfloat16()  # PEFT saves the one that was trained on too
    adapter = write_adapter(
        tmp_path / "lora",
        {
            f"{AROUND}{EMBEDDING}.lora_embedding_A": a,
            f"{AROUND}{EMBEDDING}.lora_embedding_B": b,
            f"{AROUND}{EMBEDDING}.base_layer.weight": table,
        },
    )
    found = merged(DENSE, adapter).model.state_dict()[f"{EMBEDDING}.weight"]
    assert torch.equal(found, summed(table, b, a, 1.5, transposed=True))


def test_rows_for_inputs_and_biases(tmp_path):
    """GPT-2: products are transposed, biases trained, and one added to by its own factor."""
    base = gpt2(tmp_path / "gpt2")
    c_attn, c_proj = f"{ATTENTION}c_attn", f"{ATTENTION}c_proj"
    tensors = {**pair(c_attn, 96, 32), **pair(c_proj, 32, 32, seed=4)}
    trained, added = random(96, seed=7), random(32, seed=8)
    adapter = write_adapter(
        tmp_path / "lora",
        {
            **tensors,
            f"{AROUND}{c_attn}.base_layer.bias": trained,
            f"{AROUND}{c_proj}.lora_B.bias": added,
        },
        fan_in_fan_out=True,
        bias="lora_only",
        lora_bias=True,
    )
    own = weights_of(base)
    changes = {
        f"{name}.weight": summed(own[f"{name}.weight"], *both(name, tensors), 1.5, transposed=True)
        for name in (c_attn, c_proj)
    }
    bias = f"{c_proj}.bias"
    changes[bias] = (own[bias].float() + added * 1.5).bfloat16()
    changes[f"{c_attn}.bias"] = trained.bfloat16()
    expected = by_hand(base, changes, tmp_path / "by-hand")
    assert_same(merged(base, adapter).model.state_dict(), expected)


def test_an_expert_of_many_that_are_fused_when_loaded(tmp_path):
    """The base's names have no `model.` here, as those of embedding models."""
    tensors = pair(EXPERT.removeprefix("model."), 112, 128)
    adapter = write_adapter(tmp_path / "lora", tensors)
    name = f"{EXPERT}.weight"
    factors = both(EXPERT.removeprefix("model."), tensors)
    changes = {name: summed(weights_of(MOE)[name], *factors, 1.5)}
    expected = by_hand(MOE, changes, tmp_path / "by-hand")
    assert_same(merged(MOE, adapter).model.state_dict(), expected)


def test_a_quantized_base_is_expanded_and_added_to_before_the_one_rounding(tmp_path):
    base, tensors = make("ct-fp8-block", DENSE, tmp_path / "quantized"), plain()
    adapter = write_adapter(tmp_path / "lora", tensors)
    expanded = load(inspect(base), device="cpu", dtype="float32").model.state_dict()
    expected = {name: weight.bfloat16() for name, weight in expanded.items()}
    for name in (Q, DOWN):
        weight = summed(expanded[f"{name}.weight"], *both(name, tensors), 1.5)
        expected[f"{name}.weight"] = weight.bfloat16()
    assert_same(merged(base, adapter).model.state_dict(), expected)


def test_maxima_are_those_of_the_merged_model(tmp_path):
    """Measured, verified, and the same as of weights that were merged and saved."""
    tensors, dense = plain(), inspect(DENSE)
    write_adapter(tmp_path / "lora", tensors, base_model_name_or_path="/home/alice/base")
    own = weights_of(DENSE)
    changes = {
        f"{name}.weight": summed(own[f"{name}.weight"], *both(name, tensors), 1.5)
        for name in (Q, DOWN)
    }
    by_hand(DENSE, changes, tmp_path / "saved")
    (tmp_path / "texts.jsonl").write_text('{"text": "The largest activation of a layer."}\n')
    options = ("--corpus", "texts.jsonl", "--max-seq-len", "8", "--output")
    base = ("--base", DENSE)

    def report_of(folder, *more):
        done = hubmaxact_here("measure", folder, *options, f"of-{folder}.json", *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return json.loads((tmp_path / f"of-{folder}.json").read_text())

    adapter, saved = report_of("lora", *base), report_of("saved")
    assert adapter["sites"] == saved["sites"]
    model = adapter["model"]
    assert [file["path"] for file in model["weight_files"]] == ["adapter_model.safetensors"]
    of_base = {"id": None, "revision": None, "commit": None, "weight_files": digest_weights(dense)}
    assert model["adapter_base"] == of_base
    verify = ("verify", "of-lora.json", "lora", "--corpus", "texts.jsonl")
    done = hubmaxact_here(*verify, *base, cwd=tmp_path)
    assert "ok   base weights: 1 file" in done.stdout, done.stderr
    assert done.returncode == 0, done.stdout
    other = hubmaxact_here(*verify, "--base", "saved", cwd=tmp_path)
    assert (other.returncode, other.stdout.count("FAIL base weights: model.safe")) == (1, 1)
