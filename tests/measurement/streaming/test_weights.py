"""One layer's weights and the next one's are in memory, and nothing is left behind afterwards."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from command import DENSE, MOE
from measurement.streaming.runs import states

from hubmaxact.errors import IncompleteWeightsError
from hubmaxact.measurement.anatomy.decoder_stack import find_stack, run_owner
from hubmaxact.measurement.checkpoint.load import opened_state
from hubmaxact.measurement.checkpoint.weight_files import inspect
from hubmaxact.measurement.streaming.load import load_streamed
from hubmaxact.measurement.streaming.placement import place

IDS = [np.arange(5, 5 + length, dtype=np.int32) for length in (20, 30, 7, 12, 25, 9)]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder that temporary files and folders are made in."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def layers_here(stack):
    return [n for n, layer in enumerate(stack.layers) if not next(layer.parameters()).is_meta]


@pytest.mark.parametrize("folder", [DENSE, MOE], ids=lambda folder: folder.name)
def test_every_stored_tensor_has_one_place(folder):
    files = inspect(folder)
    with load_streamed(files, device="cpu") as (loaded, weights), opened_state(files) as state:
        placement = place(weights.stack, state)
        in_layers = [name for layer in placement.layers for name in layer]
        rest = {n for n, x in loaded.model.named_parameters() if not x.is_meta}
        assert layers_here(weights.stack) == []
    assert len(in_layers) == len(set(in_layers))
    assert {*in_layers} | placement.idle | rest == {*files.tensors}
    assert rest == {"model.embed_tokens.weight", "model.norm.weight"}


def test_at_most_two_layers_are_here_and_none_afterwards():
    seen = []
    with load_streamed(inspect(DENSE), device="cpu") as (_, weights):
        stack = weights.stack
        for layer in stack.layers:
            layer.register_forward_hook(lambda *_: seen.append(layers_here(stack)))
        with torch.inference_mode():
            run_owner(stack.owner, torch.arange(20)[None])
        last = len(stack.layers) - 1
    assert [here[0] if n < last else here[-1] for n, here in enumerate(seen)] == [*range(last + 1)]
    assert max(map(len, seen)) <= 2
    assert layers_here(stack) == []


def test_files_are_closed_and_folders_gone(temporary):
    budget = (1, 0, 1 << 20)
    states(DENSE, IDS, budget=budget)
    with pytest.raises(ZeroDivisionError):
        states(DENSE, IDS, budget=budget, on_layer=lambda _: 1 / 0)
    assert list(temporary.glob("**/*.bin")) == []
    assert open_weights() == []


def open_weights():
    """Weight files that this process holds open or mapped, where the system tells."""
    if sys.platform != "linux":
        return []
    mapped = Path("/proc/self/maps").read_text("utf-8").splitlines()
    files = [os.path.realpath(path) for path in Path("/proc/self/fd").iterdir()]
    return [each for each in (*mapped, *files) if each.endswith(".safetensors")]


def test_a_file_that_is_cut_meanwhile_is_told_from_the_thread(tmp_path):
    """What goes wrong where weights are read ahead is raised where they are asked for."""
    folder = shutil.copytree(MOE, tmp_path / "moe")
    with load_streamed(inspect(folder), device="cpu") as (_, weights):
        for path in folder.glob("*.safetensors"):
            os.truncate(path, path.stat().st_size // 3)
        with (
            pytest.raises(IncompleteWeightsError, match="weights of layer 0 cannot"),
            torch.inference_mode(),
        ):
            run_owner(find_stack(weights.stack.model).owner, torch.arange(20)[None])
