"""A checkpoint whose cache has scales is measured and verified as the one without them."""

import json
import shutil
import struct

import pytest
import torch
from command import DENSE, MOE
from exported import export, tensors_of

from hubmaxact import HubmaxactError, Options, measure, verify, write_report
from hubmaxact.measurement.checkpoint.load import load
from hubmaxact.measurement.checkpoint.shapes import load_shapes
from hubmaxact.measurement.checkpoint.weight_files import inspect

KV = "compressed-tensors-kv"
CONFIG, INDEX = "config.json", "model.safetensors.index.json"
SINGLE, RENAMED, SHARD = (
    "model.safetensors",
    "model-00001-of-00001.safetensors",
    "model-kv-scales.safetensors",
)
FEW = Options(num_samples=4, max_seq_len=16, device="cpu", profile="deployment")
CACHE_ALONE = {
    "quant_method": "compressed-tensors",
    "format": "dense",
    "config_groups": {},
    "kv_cache_scheme": {"num_bits": 8, "type": "float", "dynamic": False},
}


def say(folder, said):
    config = json.loads((folder / CONFIG).read_bytes())
    (folder / CONFIG).write_text(json.dumps({**config, "quantization_config": said}))


def with_tensor(path, name, values=(0.5,)):
    """One more float32 tensor at the end of a safetensors file."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header, tensors = json.loads(content[8 : 8 + length]), content[8 + length :]
    more = struct.pack(f"<{len(values)}f", *values)
    offsets = [len(tensors), len(tensors) + len(more)]
    header[name] = {"dtype": "F32", "shape": [len(values)], "data_offsets": offsets}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + tensors + more)


@pytest.fixture(scope="module")
def scaled(tmp_path_factory):
    """A measured checkpoint that was given the scales of its own report; and that report."""
    folder = tmp_path_factory.mktemp("scaled") / "dense"
    shutil.copytree(DENSE, folder)
    report = measure(folder, FEW)
    write_report(report, folder / "activation_maxima.json")
    done = export(folder.parent, folder, KV, "--write-into", folder)
    assert done.returncode == 0, done.stderr
    assert (folder / SHARD).exists()
    return folder, report


def test_its_report_is_the_same_but_for_the_files_new_name(scaled):
    folder, report = scaled
    again = measure(folder, FEW)
    (here,), (before,) = again["model"]["weight_files"], report["model"]["weight_files"]
    assert (here["path"], before["path"]) == (RENAMED, SINGLE)
    here["path"] = SINGLE
    assert again == report


def test_the_report_of_before_is_true_of_it_and_its_own_of_the_one_before(scaled):
    folder, report = scaled
    assert [check.detail for check in verify(report, folder) if not check.passed] == []
    moved = {**report, "model": {**report["model"], "weight_files": [
        {**file, "path": RENAMED} for file in report["model"]["weight_files"]
    ]}}  # fmt: skip
    weights = next(iter(verify(moved, DENSE)))
    assert (weights.name, weights.passed) == ("weights", True)


def test_other_weights_are_other_weights_by_either_name(scaled, tmp_path):
    folder, report = scaled
    shutil.copytree(folder, tmp_path / "dense")
    content = bytearray((folder / RENAMED).read_bytes())
    content[-1] ^= 1
    (tmp_path / "dense" / RENAMED).write_bytes(content)
    weights = next(iter(verify(report, tmp_path / "dense")))
    assert not weights.passed
    assert weights.detail.startswith(f"{SINGLE}: report ")


def test_it_is_told_that_the_scales_are_left_aside(scaled):
    folder, _ = scaled
    (told,) = load(inspect(folder), device="cpu").notes
    assert told == (
        "The cache of dense is quantized by its config.json and its weights are not: it is "
        "measured as it is without those scales."
    )


def test_a_forecast_knows_it_too(scaled):
    folder, _ = scaled
    files = inspect(folder)
    assert files.stored is None
    assert load_shapes(files).dtype == "bfloat16"


def test_scales_among_the_weights_are_left_aside_where_config_json_says_so(tmp_path):
    """As llm-compressor writes them."""
    folder = shutil.copytree(DENSE, tmp_path / "dense")
    with_tensor(folder / SINGLE, "model.layers.0.self_attn.k_scale")
    with pytest.raises(HubmaxactError, match="k_scale"):
        load(inspect(folder), device="cpu")
    say(folder, CACHE_ALONE)
    expected = load(inspect(DENSE), device="cpu").model.state_dict()
    found = load(inspect(folder), device="cpu").model.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


def test_experts_that_transformers_merges_are_loaded(tmp_path):
    folder = shutil.copytree(MOE, tmp_path / "moe")
    say(folder, CACHE_ALONE)
    assert load(inspect(folder), device="cpu").model is not None


@pytest.mark.parametrize(
    "more",
    [
        {"config_groups": {"group_0": {"targets": ["Linear"]}}},
        {"kv_cache_scheme": None},
        {"quant_method": "fp8"},
    ],
)
def test_weights_that_are_quantized_are_refused_still(tmp_path, more):
    folder = shutil.copytree(DENSE, tmp_path / "dense")
    say(folder, {**CACHE_ALONE, **more})
    with pytest.raises(HubmaxactError, match=r"the weights (of dense )?are quantized"):
        inspect(folder)


def test_a_file_of_scales_that_holds_a_weight_is_one_of_weights(scaled, tmp_path):
    folder = shutil.copytree(scaled[0], tmp_path / "dense")
    tensors, _ = tensors_of((folder / SHARD).read_bytes())
    assert len(tensors) == 16
    with_tensor(folder / SHARD, "model.layers.9.mlp.up_proj.weight")
    index = json.loads((folder / INDEX).read_bytes())
    index["weight_map"]["model.layers.9.mlp.up_proj.weight"] = SHARD
    (folder / INDEX).write_text(json.dumps(index))
    assert inspect(folder).shards == (RENAMED, SHARD)
    with pytest.raises(HubmaxactError, match=r"up_proj\.weight"):
        load(inspect(folder), device="cpu")
