"""The numbers that a checkpoint stores for its linear inputs, each checked before it is used."""

from collections.abc import Collection, Mapping

import torch
from safetensors import safe_open

from hubmaxact.errors import IncompleteWeightsError, UnsafeCheckpointError
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.measurement.simulation.served import INSTEAD
from hubmaxact.printable import printable
from hubmaxact.stored_weights.table import PLAIN

SHAPES = ((), (1,), (1, 1))
LEAST = torch.finfo(torch.float32).tiny
"""What float32 has a reciprocal of is no smaller."""


def stored_scales(files: WeightFiles, names: Collection[str]) -> dict[str, float]:
    """Read one number from each of some tensors.

    Args:
        files: What `inspect` found sound.
        names: Of the tensors.

    Returns:
        Numbers by name, float32's, finite and above zero.

    Raises:
        IncompleteWeightsError: A tensor is not there.
        UnsafeCheckpointError: It is no single number, or one that scales nothing.
    """
    for name in names:
        _require_number(files, name)
    found = dict[str, float]()
    for shard in files.shards:
        with safe_open(files.folder / shard, framework="pt") as file:
            for name in set(file.keys()) & set(names):
                found[name] = float(file.get_tensor(name).float())
    for name in names:
        _require_scale(files, name, found)
    return found


def _require_number(files: WeightFiles, name: str) -> None:
    entry = files.tensors.get(name)
    if entry is None:
        raise IncompleteWeightsError(
            f"config.json of {files.name} says that inputs have stored scales, and there is no "
            f"{printable(name)}. {INSTEAD}"
        )
    if entry.shape not in SHAPES or entry.dtype not in PLAIN:
        raise UnsafeCheckpointError(
            f"{printable(name)} of {files.name} is {entry.dtype} of shape {list(entry.shape)}, and "
            f"the scale of an input is one number. {INSTEAD}"
        )


def _require_scale(files: WeightFiles, name: str, found: Mapping[str, float]) -> None:
    if not LEAST <= found[name] <= 1 / LEAST:
        raise UnsafeCheckpointError(
            f"{printable(name)} of {files.name} is {found[name]:g}, and the scale of an input is a "
            f"finite number above zero. {INSTEAD}"
        )
