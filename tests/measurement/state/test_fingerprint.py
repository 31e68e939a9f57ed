"""A fingerprint changes with whatever may change a bit of a measurement, and with nothing else."""

import json
import os
import shutil

import pytest
import torch
from command import DENSE
from safetensors.torch import load_file, save_file

from hubmaxact.errors import IncompleteWeightsError
from hubmaxact.measurement.checkpoint.weight_files import inspect
from hubmaxact.measurement.state import fingerprint as module
from hubmaxact.measurement.state.fingerprint import fingerprint

WEIGHTS = "model.safetensors"


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(DENSE, tmp_path / "model")


def of(folder):
    return fingerprint(inspect(folder))


def test_it_is_that_of_the_content_alone(folder):
    for path in folder.iterdir():
        os.utime(path, (0, 0))
    (folder / "README.md").write_text("# Another card")
    (folder / "training_args.bin").touch()
    assert of(folder) == of(DENSE)


def test_the_middle_of_every_tensor_counts(folder):
    tensors = load_file(folder / WEIGHTS)
    found = {of(folder)}
    for tensor in tensors.values():
        flat = tensor.view(torch.uint8).flatten()
        flat[len(flat) // 2] ^= 1
        save_file(tensors, folder / WEIGHTS, {"format": "pt"})
        found.add(of(folder))
    assert len(found) == len(tensors) + 1


def test_headers_count(folder):
    save_file(load_file(folder / WEIGHTS), folder / WEIGHTS, {"format": "pt", "step": "2"})
    assert of(folder) != of(DENSE)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_what_is_read_beside_the_weights_counts(folder, name):
    said = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(said | {"another": 1}))
    assert of(folder) != of(DENSE)


def test_own_code_counts(folder):
    (folder / "modeling_own.py").write_text("x = 1")
    assert of(folder) != of(DENSE)


def test_no_more_is_read_than_a_bound(folder, monkeypatch):
    tensors = {f"w{n}": torch.zeros(100_000) for n in range(40)}
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})
    files = inspect(folder)
    before = fingerprint(files)
    monkeypatch.setattr(module, "MOST_SAMPLES", 10)
    few, reads = fingerprint(files), []
    read_header, ordered = module.read_header, module._ordered
    monkeypatch.setattr(module, "_ordered", lambda entries: Counted(ordered(entries), reads))
    assert (read_header, fingerprint(files)) == (module.read_header, few)
    assert few != before
    assert len(reads) == 10


class Counted(list):
    """Entries that tell how many of them are read."""

    def __init__(self, entries, reads):
        super().__init__(entries)
        self.reads = reads

    def __getitem__(self, which):
        chosen = super().__getitem__(which)
        self.reads.extend(chosen)
        return chosen


def test_a_file_that_is_gone_is_one_sentence(folder):
    files = inspect(folder)
    (folder / WEIGHTS).unlink()
    with pytest.raises(IncompleteWeightsError, match="cannot be read any more: No such file"):
        fingerprint(files)
