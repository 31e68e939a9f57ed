"""Indexes of which transformers wants more than what counts in them."""

import json
import shutil

import pytest
import torch
from command import DENSE, MOE

from hubmaxact.measurement.checkpoint.load import load
from hubmaxact.measurement.checkpoint.sound_index import sound_index
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


def test_a_sound_index_is_used_where_it_lies(moe):
    for folder in (moe, DENSE):
        with sound_index(inspect(folder)) as found:
            assert found == folder
