"""How large blocks of neighbouring channels get, which formats with a scale for each live by.

A row is cut into blocks of 16, 32 and 128 channels (NVFP4, MXFP4 and MXFP8, FP8 by blocks); the
last one may be shorter. Counted is the largest finite |x| of each block, as a bf16 value; wider
formats are rounded to it, half to even, never to infinity. A block with nothing finite has none.
"""

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.bf16_histogram import NUM_PATTERNS, pattern_values
from hubmaxact.measurement.statistics.counts import add, seen, zeros
from hubmaxact.measurement.statistics.distribution import Bins
from hubmaxact.measurement.statistics.rows import Rows

SIZES = (16, 32, 128)
NUM_MAGNITUDES = NUM_PATTERNS // 2


class BlockMaxima:
    """Counts of the maxima of blocks, for each size.

    Args:
        device: Where the site's tensors are.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.counts = zeros(len(SIZES), NUM_MAGNITUDES, device=device)

    @torch.no_grad()
    def update(self, rows: Rows) -> None:
        """Fold in rows, shape (T, D)."""
        self.counts += torch.stack([_counted(_block_max(rows.abs_TD, size)) for size in SIZES])

    def merge(self, other: Self) -> None:
        """Add another's counts."""
        add(self.counts, other.counts)

    def state(self) -> State:
        """The counts."""
        return {"counts": self.counts}

    def load(self, state: State) -> None:
        """Go on from a state."""
        self.counts = zeros(*self.counts.shape, device=self.counts.device)
        add(self.counts, state["counts"])

    def result(self) -> Mapping[int, Bins]:
        """By size of block: distinct maxima, ascending, and how many blocks have each."""
        return {size: _bins(row) for size, row in zip(SIZES, self.counts.cpu(), strict=True)}


def _block_max(abs_TD: Tensor, size: int) -> Tensor:
    """The largest of each block, -1 where none is finite, one after another."""
    missing = -abs_TD.shape[1] % size
    padded = nn.functional.pad(abs_TD, (0, missing), value=-1.0)
    largest: Tensor = padded.unflatten(1, (-1, size)).amax(2)
    return largest


def _counted(block_max: Tensor) -> Tensor:
    known = block_max[block_max >= 0].float().clamp(max=LARGEST_FINITE["bfloat16"])
    patterns = known.to(torch.bfloat16).view(torch.int16).int()
    return torch.bincount(patterns, minlength=NUM_MAGNITUDES)


def _bins(counts: Tensor) -> Bins:
    patterns, numbers = seen([counts])
    return Bins(pattern_values()[patterns], numbers)
