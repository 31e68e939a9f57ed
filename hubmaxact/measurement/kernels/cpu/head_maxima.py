"""The largest of groups of rows on the CPU: of heads in one read, of experts as torch finds them.

B sequences, H heads, L tokens, D channels, P pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hubmaxact.measurement.kernels.cpu import head_rows
from hubmaxact.measurement.kernels.cpu.strided import BITS
from hubmaxact.measurement.loops.next_piece import none_taken
from hubmaxact.measurement.loops.shared_work import together
from hubmaxact.measurement.rotary_pairs import Pairs
from hubmaxact.measurement.statistics.group_maxima import TorchMaxima

Float32s = npt.NDArray[np.float32]
PIECE = 1 << 17  # values: fewer are read before another thread has begun


class CpuMaxima(TorchMaxima):
    """By compiled loops, as many at once as the forward pass has threads."""

    def norms(self, x_BHLD: Tensor, kept_BL: Tensor | None) -> Tensor:
        """In one read."""
        heads = _Heads.of(x_BHLD, kept_BL)

        def read(largest: Float32s) -> None:
            head_rows.raise_squares(heads.memory, heads.pieces, head_rows.ALL, largest)

        return torch.from_numpy(np.sqrt(heads.shared(read, x_BHLD.shape[1], 1)[:, 0]))

    def pair_squares(self, x_BHLD: Tensor, kept_BL: Tensor | None, pairs: Pairs) -> Tensor:
        """In one read, the square of each channel rounded, and their sum."""
        heads = _Heads.of(x_BHLD, kept_BL)
        which = head_rows.NEIGHBOURS if pairs.are_neighbours else head_rows.HALVES

        def read(largest: Float32s) -> None:
            head_rows.raise_squares(heads.memory, heads.pieces, which, largest)

        return torch.from_numpy(heads.shared(read, x_BHLD.shape[1], pairs.channels // 2))


@dataclass(frozen=True, slots=True)
class _Heads:
    """A tensor of heads as plain memory, and which of its rows are left to read."""

    memory: tuple[npt.NDArray[Any], np.int32, npt.NDArray[np.int64], npt.NDArray[np.int64]]
    pieces: tuple[npt.NDArray[np.bool_], int, npt.NDArray[np.int64]]
    number: int  # of pieces

    @classmethod
    def of(cls, x_BHLD: Tensor, kept_BL: Tensor | None) -> "_Heads":
        """Take a tensor as it lies, unless its rows are no dense runs of values."""
        if x_BHLD.dtype not in BITS:
            x_BHLD = x_BHLD.float()
        if x_BHLD.stride(3) != 1 and x_BHLD.shape[3] > 1:
            x_BHLD = x_BHLD.contiguous()
        shape, strides = x_BHLD.shape, x_BHLD.stride()
        last = sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        values = x_BHLD.as_strided((last + 1,), (1,)).view(BITS[x_BHLD.dtype]).numpy()
        # Loops are compiled for each layout of an array, so there is but one.
        kept = np.empty((0, 0), np.bool_) if kept_BL is None else kept_BL.contiguous().numpy()
        shift = np.int32(16 if values.itemsize == 2 else 0)
        step = max(1, PIECE // (shape[1] * shape[3]))
        return cls(
            (values, shift, np.array(shape), np.array(strides)),
            (kept, step, none_taken()),
            -(-shape[0] * shape[2] // step),
        )

    def shared(self, read: Callable[[Float32s], None], *shape: int) -> Float32s:
        """Let threads read pieces, each into maxima of its own.

        Args:
            read: Raises maxima, until no piece is left.
            *shape: Of the maxima.

        Returns:
            The largest of all.
        """
        number = max(1, min(torch.get_num_threads(), self.number))
        found = np.zeros((number, *shape), np.float32)
        together(list(found), read)
        largest: Float32s = found.max(axis=0)
        return largest
