"""The static scales that a tool wrote, beside those that an export of the same model writes."""

import pytest
import torch
from exported import tensors_of
from safetensors import safe_open

from hubmaxact.engine_files import compressed_tensors_kv, input_scales
from hubmaxact.engine_files.request import Choices, Measured
from hubmaxact.scales.names import scales_named
from hubmaxact.sidecars.safetensors_bytes import FOR_TORCH, encoded

NO_CHOICES = Choices()


def written(folder, *kinds):
    """Name -> shape and numbers of the scales of these kinds in a checkpoint's files."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 it is no dictionary
                if any(scale.kind in kinds for scale in scales_named(name)):
                    tensor = file.get_tensor(name)
                    found[name] = (list(tensor.shape), tuple(tensor.flatten().tolist()))
    return found


def ours(report, choices):
    made = input_scales.make(Measured(report, "0" * 64), choices)
    return tensors_of(made.content)[0]


def our_cache(report):
    change = compressed_tensors_kv.make(Measured(report, "0" * 64), NO_CHOICES)
    scales = {
        f"{module}.{name}": tensor
        for module, tensors in change.scales.items()
        for name, tensor in tensors.items()
    }
    return tensors_of(encoded(scales, FOR_TORCH))[0]


def same(found, expected, rounding):
    """Whether names and shapes are equal, and numbers but for this relative error."""
    assert found
    assert found.keys() == expected.keys()
    for name, (shape, numbers) in found.items():
        assert (name, shape) == (name, expected[name][0])
        assert numbers == pytest.approx(expected[name][1], rel=rounding), name
    return True


def float32_steps(number):
    """A relative error of so many steps of float32."""
    return number * torch.finfo(torch.float32).eps
