"""Quantized checkpoints on disk, and plain models that read the same inputs."""

import functools

import pytest
import torch
from command import DENSE, MOE
from quantized.checkpoint import read, write
from quantized.makers import MAKERS, make
from transformers import AutoModelForCausalLM

from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.checkpoint.weight_files import inspect

BASES = {"dense": DENSE, "moe": MOE}


@functools.cache
def plain(base, dtype=torch.bfloat16):
    """A model and its sites; what its weights are does not matter to what rounds its inputs."""
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(BASES[base], dtype=dtype).eval()
    return model, find_sites(model, profile="deployment")


@pytest.fixture
def files_of(tmp_path):
    """Return the files of a checkpoint in some format; `changed` edits its tensors."""

    def made(name, base="dense", changed=None):
        if changed is None:
            return inspect(make(name, BASES[base], tmp_path / name))
        checkpoint = MAKERS[name](read(BASES[base]))
        changed(checkpoint.tensors)
        write(checkpoint, tmp_path / name, BASES[base])
        return inspect(tmp_path / name)

    return made
