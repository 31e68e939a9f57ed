"""Weights are read by their names from the files that the index tells, and from no other place."""

import gc
import json
import os
import shutil
import tempfile

import pytest
import torch
from command import DENSE, MOE

from hubmaxact.measurement.checkpoint.lazy_state import ONE_BY_ONE, LazyWeight, one_by_one
from hubmaxact.measurement.checkpoint.load import load
from hubmaxact.measurement.checkpoint.weight_files import inspect

INDEX = "model.safetensors.index.json"


@pytest.fixture
def moe(tmp_path):
    return shutil.copytree(MOE, tmp_path / "moe")


def write_index(folder, **more):
    weight_map = json.loads((MOE / INDEX).read_text())["weight_map"]
    (folder / INDEX).write_text(json.dumps({"weight_map": weight_map, **more}))


def test_a_checkpoint_loads_whatever_its_index_says_beside_the_weight_map(moe, monkeypatch):
    monkeypatch.chdir(moe.parent)
    expected = load(inspect(MOE), device="cpu").model.state_dict()
    for metadata in ({}, {"metadata": None}, {"metadata": []}):
        write_index(moe, **metadata)
        before = {path.name: path.read_bytes() for path in moe.iterdir()}
        found = load(inspect(moe.relative_to(moe.parent)), device="cpu").model.state_dict()
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], weight) for name, weight in expected.items())
        assert {path.name: path.read_bytes() for path in moe.iterdir()} == before


def test_nothing_is_made_before_it_is_placed_and_then_in_the_format_it_is_placed_in():
    asked = []
    weight = LazyWeight(lambda dtype: asked.append(dtype) or torch.ones(2, dtype=dtype))
    placed = weight[...]
    assert asked == []
    assert placed.to(device="cpu", dtype=torch.float16).dtype == torch.float16
    assert weight[...].to().dtype == torch.float32
    assert asked == [torch.float16, torch.float32]


def test_one_by_one_leaves_the_environment_as_it_was(monkeypatch):
    for before in (None, "0"):
        monkeypatch.delenv(ONE_BY_ONE, raising=False)
        if before is not None:
            monkeypatch.setenv(ONE_BY_ONE, before)
        with one_by_one():
            assert os.environ[ONE_BY_ONE] == "1"
        assert os.environ.get(ONE_BY_ONE) == before


@pytest.mark.by_day("dense")
@pytest.mark.filterwarnings("ignore:.*offloaded")
@pytest.mark.parametrize("folder", [DENSE, MOE], ids=["dense", "moe"])
def test_what_fits_no_memory_is_put_on_the_disk_while_the_model_is_kept(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    whole = load(inspect(folder), device="cpu").model
    spread = dict.fromkeys(
        ("model.embed_tokens", "model.norm", "model.rotary_emb", "lm_head"), "cpu"
    )
    places = {f"model.layers.{n}": "disk" if n else "cpu" for n in range(len(whole.model.layers))}
    found = load(inspect(folder), device_map=spread | places)
    ids = torch.arange(12)[None]
    assert torch.equal(found.model(ids).logits, whole(ids).logits)
    assert any(tmp_path.glob("hubmaxact-*/*.safetensors"))
    del found
    gc.collect()
    assert not any(tmp_path.glob("hubmaxact-*/*.safetensors"))
