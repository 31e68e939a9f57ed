"""What is kept between layers comes back to the last bit, wherever it lay."""

import shutil

import pytest
import torch

from hubmaxact.errors import OutOfMemoryError
from hubmaxact.measurement.anatomy.module_traits import same_bits
from hubmaxact.measurement.streaming.residuals import InHostMemory, OnDevice, OnDisk
from hubmaxact.measurement.streaming.room import Budget, Room


def odd(shape, dtype):
    """Numbers with NaN, both zeros and both infinities among them."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    x.flatten()[:5] = torch.tensor([float("nan"), 0.0, -0.0, float("inf"), -float("inf")])
    return x


@pytest.mark.parametrize("place", ["device", "host", "disk"])
def test_bits_and_strides_come_back(place, tmp_path):
    residual = {"device": OnDevice(), "host": InHostMemory(), "disk": OnDisk(tmp_path / "x")}[place]
    for x in (
        odd((2, 3, 4), torch.bfloat16),
        odd((2, 3, 4), torch.float32),
        odd((1, 3, 8), torch.float16).transpose(1, 2),
    ):
        before = x.clone()
        residual.put(x)
        found = residual.take()
        assert same_bits(found, before)
        assert found.stride() == x.stride()


def test_the_fastest_place_that_is_left_is_taken(tmp_path):
    room = Room(Budget(device=10, host=20, disk=30), tmp_path)
    kinds = [type(room.place(10)) for _ in range(6)]
    assert kinds == [OnDevice, InHostMemory, InHostMemory, OnDisk, OnDisk, OnDisk]
    assert not room.has(10)


def test_a_folder_that_is_gone_is_one_sentence(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    residual = OnDisk(folder / "x")
    residual.put(torch.ones(3))
    shutil.rmtree(folder)
    for use in (residual.take, lambda: residual.put(torch.ones(3))):
        with pytest.raises(OutOfMemoryError, match="Set TMPDIR to a folder with more room"):
            use()
