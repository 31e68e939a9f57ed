"""Counts, of which most stay zero: those take no memory on a CPU, whoever reads or adds them."""

import math
import mmap
import sys

import numpy as np
import torch
from torch import Tensor

PRIVATE = {} if sys.platform == "win32" else {"flags": mmap.MAP_PRIVATE}
"""Pages that are only read stay untouched; Windows knows no others."""


def zeros(*shape: int, device: torch.device | str) -> Tensor:
    """Counts, none yet.

    On a CPU pages of their own: what stays zero takes no memory, and what lives as long as the run
    does not lie between tensors that come and go.

    Args:
        *shape: Of the tensor.
        device: Where it is to be.

    Returns:
        int64.
    """
    if torch.device(device).type != "cpu":
        return torch.zeros(shape, dtype=torch.int64, device=device)
    pages = mmap.mmap(-1, math.prod(shape) * torch.int64.itemsize, **PRIVATE)
    return torch.frombuffer(pages, dtype=torch.int64).view(shape)


def add(counts: Tensor, more: Tensor) -> None:
    """Add counts to others; on a CPU nothing is written where there are none to be added.

    Args:
        counts: Made by `zeros`; holds the sums afterwards.
        more: Of the same shape, int64, on any device; it stays as it is.

    Raises:
        ValueError: It is of another shape or dtype.
    """
    if more.shape != counts.shape or more.dtype != counts.dtype:
        raise ValueError(f"expected {counts.shape}, {counts.dtype}, got {more.shape}, {more.dtype}")
    if counts.device.type != "cpu":
        counts += more.to(counts.device)
        return
    here, there = counts.view(-1).numpy(), more.cpu().reshape(-1).numpy()
    places = np.flatnonzero(there != 0)  # of truth values: several times as fast
    here[places] += there[places]
