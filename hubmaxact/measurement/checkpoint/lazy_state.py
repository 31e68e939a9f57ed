"""A checkpoint's weights as an unquantized release names them, each made when it is placed.

transformers takes such a state dict in the place of files: its renames, merges of experts, tied
weights, device maps and checks of names run on it as on any release, and nothing is written.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Self

import torch
from safetensors import safe_open
from torch import Tensor

from hubmaxact.measurement.checkpoint.expanded import expanded, refuse_unsound_scales
from hubmaxact.measurement.checkpoint.read_tensors import read_tensors
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.recognition.weights import SINGLE
from hubmaxact.stored_weights.storage import StoredWeights

ONE_BY_ONE = "HF_DEACTIVATE_ASYNC_LOAD"
"""transformers' switch: a weight is made when it is placed, and not ahead by other threads."""


class LazyWeight:
    """What transformers takes for a slice of a safetensors file, and makes when it is placed.

    Args:
        make: Returns the weight in the number format that it is given.
        shape: Of the weight; () where nobody asks before it is made.
    """

    def __init__(self, make: Callable[[torch.dtype], Tensor], shape: Sequence[int] = ()) -> None:
        self._make, self._shape = make, list(shape)

    def get_shape(self) -> list[int]:
        """Tell its shape, as a slice does."""
        return self._shape

    def __getitem__(self, _: Any) -> Self:
        """Return all of it, still not made: its number format is told next."""
        return self

    def to(self, device: Any = None, dtype: torch.dtype | None = None) -> Tensor:
        """Make the weight, rounded once.

        Args:
            device: Where it is placed. None: on the CPU.
            dtype: Number format. None: float32.

        Returns:
            The weight.
        """
        return self._make(dtype or torch.float32).to(device)


@contextmanager
def lazy_state(files: WeightFiles, *, mapped: bool = True) -> Iterator[dict[str, Any]]:
    """Open the weight files of a checkpoint.

    Args:
        files: What `inspect` found sound.
        mapped: Whether files are mapped into memory, where the system maps. A mapped file counts
            as memory of the process, as far as it was read; without, each tensor is read.

    Yields:
        By name: a slice of a file, or a `LazyWeight`; good while the block runs.
    """
    with ExitStack() as opened:
        slices = (_mapped if mapped else _read)(files, opened)
        yield slices if files.stored is None else _plain(files.stored, slices)


def _mapped(files: WeightFiles, opened: ExitStack) -> dict[str, Any]:
    # As transformers does: a mapped file counts as memory that is written to on Windows.
    backend = "pread" if sys.platform == "win32" else "mmap"
    shards = {
        shard: opened.enter_context(
            safe_open(files.folder / shard, framework="pt", device="cpu", backend=backend)
        )
        for shard in files.shards
    }
    held = files.weights.tensors
    return {name: shards[held.get(name, SINGLE)].get_slice(name) for name in files.tensors}


def _read(files: WeightFiles, opened: ExitStack) -> dict[str, Any]:
    by_shard = {shard: dict[str, Any]() for shard in files.shards}
    for name, entry in files.tensors.items():
        by_shard[files.weights.tensors.get(name, SINGLE)][name] = entry
    found: dict[str, Any] = {}
    for shard, entries in by_shard.items():
        found |= opened.enter_context(read_tensors(files.folder / shard, entries))
    return found


def _plain(stored: StoredWeights, slices: dict[str, Any]) -> dict[str, Any]:
    """The weights of a quantized release under the names of an unquantized one."""
    refuse_unsound_scales(stored, slices)
    made = {
        each.name: LazyWeight(partial(expanded, each, slices), each.shape)
        for each in stored.weights
    }
    return {name: slices[name] for name in stored.plain} | made


@contextmanager
def one_by_one() -> Iterator[None]:
    """While the block runs, transformers makes one weight at a time.

    Threads that run ahead would hold the parts of merged experts, of many layers, beside those.
    """
    before = os.environ.get(ONE_BY_ONE)
    os.environ[ONE_BY_ONE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[ONE_BY_ONE]
        else:
            os.environ[ONE_BY_ONE] = before
