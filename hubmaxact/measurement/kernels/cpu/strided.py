"""A watched tensor as plain memory: bits in one array, and where its rows are in it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hubmaxact.measurement.statistics.watched import Watched

Int64s = npt.NDArray[np.int64]
PIECE_BYTES = 1 << 19  # stay in a core's own cache while they are read a second time
BITS = {torch.bfloat16: torch.uint16, torch.float32: torch.int32}


@dataclass(frozen=True, slots=True)
class Strided:
    """Rows to read: slices of one array, which are known to be dense, so loops become SIMD."""

    values: npt.NDArray[Any]  # bits: uint16 of bf16, int32 of float32
    stride: int
    width: int
    rows: Int64s  # their numbers
    places: Int64s  # their positions in the batch
    columns: Int64s  # of the batch's tokens
    num_groups: int
    experts: Int64s | None  # of the rows

    @classmethod
    def of(cls, watched: Watched) -> "Strided":
        """Take a tensor as it lies, unless its rows are no dense runs of values."""
        x_RD = watched.x_RD
        if x_RD.dtype == torch.float16:
            x_RD = x_RD.float()
        num_rows, width = x_RD.shape
        if (x_RD.stride(1) != 1 and width > 1) or x_RD.stride(0) < width:
            x_RD = x_RD.contiguous()
        stride = x_RD.stride(0)
        memory = x_RD.as_strided((stride * (num_rows - 1) + width,), (1,))
        chosen = watched.chosen()
        rows = np.arange(num_rows) if chosen is None else chosen.numpy()
        places, experts = watched.token_R, watched.expert_R
        return cls(
            memory.view(BITS[x_RD.dtype]).numpy(),
            stride,
            width,
            rows,
            rows if places is None else places.numpy()[rows],
            watched.tokens.columns_4T.numpy(),
            watched.tokens.num_groups,
            None if experts is None else experts.numpy()[rows].astype(np.int64),
        )

    @property
    def memory(self) -> tuple[npt.NDArray[Any], int, int, Int64s]:
        """As loops take it."""
        return self.values, self.stride, self.width, self.rows

    @property
    def step(self) -> int:
        """Rows of a piece."""
        return max(1, PIECE_BYTES // (self.values.itemsize * self.width))

    def pieces(self) -> list[slice]:
        """Ranges of the chosen rows that threads take one by one."""
        return [slice(start, start + self.step) for start in range(0, len(self.rows), self.step)]
