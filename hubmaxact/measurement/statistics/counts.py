"""Counts, of which most stay zero: those take no memory on a CPU, whoever reads or adds them."""

import math
import mmap
import sys
from collections.abc import Sequence
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from hubmaxact.measurement.statistics.distribution import Int64s

PRIVATE = {} if sys.platform == "win32" else {"flags": mmap.MAP_PRIVATE}
"""Pages that are only read stay untouched; Windows knows no others."""


PAGE = 512
"""Counts of one page."""


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
    places, numbers = seen([more])
    counts.view(-1).numpy()[places] += numbers


def seen(parts: Sequence[Tensor]) -> tuple[Int64s, Int64s]:
    """Find what was counted.

    Args:
        parts: Counts of the same places, whose sums are looked at.

    Returns:
        Places where a sum is not zero, ascending, and the sums.
    """
    pages = [_pages(part) for part in parts]
    # Most pages hold nothing, and reading them once is most of the work.
    used = np.flatnonzero(np.any([page.any(axis=1) for page in pages], axis=0))
    sums: Int64s = reduce(np.add, (page[used] for page in pages)).ravel()
    where = np.flatnonzero(sums != 0)  # of truth values: several times as fast
    size = pages[0].shape[1]
    places = (used[:, None] * size + np.arange(size)).ravel()
    return places[where], sums[where]


def _pages(counts: Tensor) -> Int64s:
    """Counts as they lie in memory, a page in each row."""
    flat: Int64s = counts.cpu().reshape(-1).numpy()
    return flat.reshape(-1, PAGE if len(flat) % PAGE == 0 else 1)
