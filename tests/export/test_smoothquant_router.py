"""SmoothQuant smooths Mixtral's experts by what their router reads: that key is the router's."""

import json

import pytest
import torch
from command import hubmaxact_here
from exported import export
from oracle import tiny
from transformers import AutoTokenizer

TEXTS = ("the river, 12 = 3.5 light", "hello there", "a b c d e")
FEW = ("--batch-tokens", 9, "--calibration-samples", 2, "--evaluation-samples", 1)


def exported(family, folder):
    """The scales of a tiny model, and what the export says."""
    tiny.build(family, folder / "model")
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in TEXTS))
    words = ("--corpus", "texts.jsonl", "--products", "native", "--output", "report.json")
    done = hubmaxact_here("measure", "model", *words, *FEW, cwd=folder)
    assert done.returncode == 0, done.stderr
    done = export(folder, "report.json", "smoothquant", "--output", "scales.pt")
    assert done.returncode == 0, done.stderr
    return torch.load(folder / "scales.pt"), done.stderr


def read_by_routers(folder):
    """The largest |x| of each channel of what a hook sees each router read."""
    model, seen = tiny.load(folder / "model", "mixtral", "bfloat16"), {}

    def keep(layer):
        def hook(_module, inputs):
            seen.setdefault(layer, []).append(inputs[0].flatten(0, -2).float().abs().amax(0))

        return hook

    for layer, block in enumerate(model.model.layers):
        block.mlp.gate.register_forward_pre_hook(keep(layer))
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    with torch.no_grad():
        for text in TEXTS:
            model(tokenizer(text, return_tensors="pt")["input_ids"])
    return {layer: torch.stack(each).amax(0) for layer, each in seen.items()}


def test_mixtrals_routers_have_the_scales_that_smoothquant_looks_up(tmp_path):
    scales, told = exported("mixtral", tmp_path)
    expected = read_by_routers(tmp_path)
    assert set(expected) == {0, 1, 2}
    for layer, maxima in expected.items():
        name = f"model.layers.{layer}"  # as in smooth_lm: name + ".block_sparse_moe.gate"
        assert torch.equal(scales[f"{name}.block_sparse_moe.gate"], maxima)
    assert not any("experts" in name for name in scales)
    assert "smooths experts by what block_sparse_moe.gate reads, which is there" in told


@pytest.mark.parametrize("family", ["qwen3_moe"])
def test_of_other_models_a_note_says_what_is_missing(tmp_path, family):
    scales, told = exported(family, tmp_path)
    assert not any("experts" in name or name.endswith("gate") for name in scales)
    assert "knows Mixtral alone, and smooths nothing of this one" in told
