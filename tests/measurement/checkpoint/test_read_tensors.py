"""Tensors that are read are those that safetensors maps, and a file that was cut is told."""

import os

import pytest
import torch
from safetensors.torch import load_file, save_file

from hubmaxact.measurement.checkpoint.read_tensors import DTYPES, read_tensors
from hubmaxact.recognition.safetensors_header import read_header

NARROW = {torch.float8_e8m0fnu}  # safetensors writes none of these


@pytest.fixture
def path(tmp_path):
    shapes = [(3, 5), (), (0, 4), (7,), (2, 3, 4)]
    tensors = {
        f"{name}.{len(shape)}": torch.randint(0, 2, shape).to(dtype)
        for name, dtype in DTYPES.items()
        if dtype not in NARROW
        for shape in shapes
    }
    save_file(tensors, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def bits(x):
    return x.flatten().view(torch.uint8)


def test_every_dtype_and_shape_is_read(path):
    mapped = load_file(path)
    with read_tensors(path, read_header(path)) as tensors:
        assert tensors.keys() == mapped.keys()
        for name, tensor in tensors.items():
            found = tensor[...]
            assert (found.dtype, found.shape) == (mapped[name].dtype, mapped[name].shape)
            assert torch.equal(bits(found), bits(mapped[name]))
            assert tensor.get_shape() == list(found.shape)


def test_a_part_is_returned(path):
    with read_tensors(path, read_header(path)) as tensors:
        assert torch.equal(tensors["F32.2"][1:], load_file(path)["F32.2"][1:])


def test_a_file_that_was_cut_is_told(path):
    header = read_header(path)
    os.truncate(path, path.stat().st_size // 2)
    last = max(header, key=lambda name: (header[name].begin, header[name].num_bytes))
    with read_tensors(path, header) as tensors, pytest.raises(EOFError, match="ends before"):
        tensors[last][...]
