"""The kernel that sums up squares by expert.

Memory that it shares with Python: the structure of `squares.cu`, field by field.
"""

import ctypes
from dataclasses import dataclass

import torch

from hubmaxact.measurement.kernels.cuda.kernel import FORMATS

BLOCK_WARPS = 8
PIECE = 128  # channels of a warp


@dataclass(frozen=True, slots=True)
class SquaresKind:
    """What one compilation reads, however its values lie."""

    dtype: torch.dtype  # one of FORMATS
    width: int  # values of a row

    @property
    def entry(self) -> str:
        """The source that reads it."""
        return "squares.cu"

    @property
    def shared_bytes(self) -> int:
        """Nothing is shared."""
        return 0

    @property
    def constants(self) -> dict[str, int]:
        """What it is compiled with."""
        return {
            "FORMAT": FORMATS.index(self.dtype),
            "WIDTH": self.width,
            "LAYOUT": 0,
            "WARPS": 1,
            "TEAMS": BLOCK_WARPS,
        }

    @property
    def num_pieces(self) -> int:
        """Warps that an expert's channels need."""
        return -(-self.width // PIECE)


class SquaresArguments(ctypes.Structure):
    """One launch over rows that reach experts."""

    _fields_ = (
        ("x", ctypes.c_void_p),
        ("row_stride", ctypes.c_longlong),
        ("value_stride", ctypes.c_longlong),
        ("order", ctypes.c_void_p),
        ("begin", ctypes.c_void_p),
        ("sums", ctypes.c_void_p),
        ("reached", ctypes.c_void_p),
        ("num_rows", ctypes.c_int),
        ("num_chosen", ctypes.c_int),
        ("num_experts", ctypes.c_int),
    )
