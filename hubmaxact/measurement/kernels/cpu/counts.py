"""Counts that one thread adds to while it reads a tensor."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hubmaxact.measurement.kernels.cpu.bf16_rows import move

Int64s = npt.NDArray[np.int64]
MOST_COUNTED = (1 << 32) - 1


class Counts:
    """Counts of 32 bits, so that they stay in a core's own cache.

    Args:
        *shape: Of the table; rows are given by themselves.
    """

    def __init__(self, *shape: int) -> None:
        self.array = np.zeros(shape, np.uint32)
        self._wide: Int64s | None = None

    def spill(self) -> None:
        """Make room for MOST_COUNTED values; what is counted stays, elsewhere."""
        if self._wide is None:
            self._wide = np.zeros(self.array.shape, np.int64)
        self._move(self.array, self._wide)

    def give(self, into: Int64s, first: int = 0) -> None:
        """Add the counts to others, and be empty.

        Args:
            into: Of the site.
            first: Column of the table where they begin.
        """
        self._move(self.array[..., first:], into)
        if self._wide is not None:
            self._move(self._wide[..., first:], into)
        self._wide = None

    @staticmethod
    def _move(counts: npt.NDArray[Any], into: Int64s) -> None:
        if counts.ndim == 1:
            move(counts, into)
            return
        for here, there in zip(counts, into, strict=True):
            move(here, there)
