"""Exports go by the names of a checkpoint that transformers saved, not by those of its memory."""

import json
import shutil

import pytest
import torch
from exported import export, tensors_of, write_report
from oracle import tiny
from transformers.pytorch_utils import Conv1D

from hubmaxact import Options, measure
from hubmaxact.engine_files import checkpoint_at_hand
from hubmaxact.engine_files.checkpoint_names import in_checkpoint
from hubmaxact.engine_files.expert_modules import experts_of
from hubmaxact.measurement.checkpoint.loaded_names import loaded_names
from hubmaxact.scales.expert_maps import EXPERT_MAPS

SCALES, IGNORE = "input-scales", "ignore-list"
RENAMED = {
    "mixtral": ("model.layers.1.mlp.experts.gate_up_proj", "block_sparse_moe.experts.0.w1"),
    "gemma3": ("model.language_model.layers.1.mlp.up_proj", "language_model.model.layers.1.mlp"),
}
"""Family -> a map in memory, and what stands in the files for it."""

ALIKE = ("qwen3", "phi3", "qwen3_moe", "deepseek_v3", "qwen3_5_moe", "lfm2")


def maps_in(model):
    """Every linear map behind a layer's number, and its weight; of experts the first and second."""
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear | Conv1D) and any(
            map(str.isdecimal, name.split("."))
        ):
            yield name, f"{name}.weight"
    for weight, _ in model.named_parameters():
        last = weight.rpartition(".")[2]
        if experts_of(weight) and last in EXPERT_MAPS:
            for name in EXPERT_MAPS[last].maps:
                yield from ((f"{experts_of(weight)}.{n}.{name}", weight) for n in (0, 1))


@pytest.mark.parametrize("family", [*RENAMED, *ALIKE])
def test_every_map_is_found_where_transformers_loads_it_from(family, tmp_path):
    model = tiny.random_model(family, seed=1)
    model.save_pretrained(tmp_path)
    tensors = checkpoint_at_hand.tensors_of(tmp_path)
    loaded = loaded_names(model, tensors).items()
    for module, weight in maps_in(model):
        (found,) = in_checkpoint([module], tensors).values()
        assert f"{found}.weight" in {name for name, weights in loaded if weight in weights}, module


@pytest.fixture(scope="module", params=RENAMED)
def checkpoint(request, tmp_path_factory):
    """A tiny one with its report in it."""
    folder = tiny.build(request.param, tmp_path_factory.mktemp("saved") / request.param)
    corpus = folder.parent / "one.jsonl"
    corpus.write_text(json.dumps({"text": "the river, 12 = 3.5 light"}) + "\n")
    options = Options(corpus=str(corpus), device="cpu", cpu_threads=1, calibration_samples=0)
    write_report(folder / "activation_maxima.json", measure(folder, options))
    return folder


def scales_of(folder, source, *words):
    done = export(folder, source, SCALES, "--output", "made", *words)
    assert done.returncode == 0, done.stderr
    found, _ = tensors_of((folder / "made").read_bytes())
    return found, done.stderr


def test_scales_merge_by_name(checkpoint, tmp_path):
    found, told = scales_of(tmp_path, checkpoint)
    tensors = checkpoint_at_hand.tensors_of(checkpoint)
    assert {f"{name.removesuffix('.input_scale')}.weight" for name in found} <= tensors
    assert any(RENAMED[checkpoint.name][1] in name for name in found)
    assert "Names are those" not in told


def test_without_the_checkpoint_names_are_those_of_the_memory_and_a_note_says_so(
    checkpoint, tmp_path
):
    by_folder, _ = scales_of(tmp_path, checkpoint)
    source = checkpoint / "activation_maxima.json"
    found, told = scales_of(tmp_path, source)
    assert len(found) == len(by_folder)
    assert not any(RENAMED[checkpoint.name][1] in name for name in found)
    assert "Names are those that modules have in transformers' memory" in told
    assert scales_of(tmp_path, source, "--checkpoint", checkpoint) == scales_of(
        tmp_path, checkpoint
    )


def test_a_quantized_checkpoint_lends_its_names_too(checkpoint, tmp_path):
    """Its weights are others than those that were measured."""
    quantized = shutil.copytree(checkpoint, tmp_path / "quantized")
    config = json.loads((quantized / "config.json").read_bytes())
    config["quantization_config"] = {"quant_method": "compressed-tensors"}
    (quantized / "config.json").write_text(json.dumps(config))
    with (quantized / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    words = (checkpoint / "activation_maxima.json", "--checkpoint", quantized)
    assert scales_of(tmp_path, *words)[0] == scales_of(tmp_path, checkpoint)[0]


def test_quantizers_match_the_memory_and_engines_the_files(checkpoint, tmp_path):
    done = export(tmp_path, checkpoint, IGNORE, "--output", "made", "--below-db", "300")
    assert done.returncode == 0, done.stderr
    assert "exclude_modules" not in done.stderr
    lists = json.loads((tmp_path / "made").read_bytes())
    memory, files = RENAMED[checkpoint.name]
    module = experts_of(memory) or memory
    start = files.removesuffix(".0.w1")
    assert module in lists["transformers"]["modules_to_not_convert"]
    assert {"quantizer_name": f"{module}.*", "enable": False} in lists["modelopt"]["quant_cfg"]
    excluded = lists["modelopt"]["exclude_modules"]
    assert module not in excluded
    assert any(start in name for name in excluded)


def test_a_folder_that_is_no_checkpoint_lends_no_names(checkpoint, tmp_path):
    (tmp_path / "empty").mkdir()
    source = checkpoint / "activation_maxima.json"
    done = export(tmp_path, source, SCALES, "--output", "made", "--checkpoint", "empty")
    assert (done.returncode, (tmp_path / "made").exists()) == (2, False)
    assert "empty is no checkpoint" in done.stderr
    shutil.copy(source, tmp_path / "empty")
    assert "Names are those" in scales_of(tmp_path, "empty")[1]


def test_a_checkpoint_of_another_model_is_refused_by_name(checkpoint, tmp_path):
    other = tiny.build("lfm2", tmp_path / "other")
    source = checkpoint / "activation_maxima.json"
    done = export(tmp_path, source, SCALES, "--output", "made", "--checkpoint", other)
    assert (done.returncode, (tmp_path / "made").exists()) == (2, False)
    assert "the checkpoint has no tensor in model." in done.stderr
