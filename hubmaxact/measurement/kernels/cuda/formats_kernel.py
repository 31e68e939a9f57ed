"""The kernel that sums up errors of formats over rows of one format, width and layout.

Memory that it shares with Python: the structures of `formats.cu`, field by field.
"""

import ctypes
from dataclasses import dataclass

import torch

from hubmaxact.deployed_formats import IN_PASS
from hubmaxact.measurement.kernels.cuda.kernel import FORMATS

BLOCK_WARPS = 16  # a lane has 128 registers then, and sums need many
MOST_ROUNDS = 8  # of eight values a lane, before more warps share a row
NUM_WAYS = len(IN_PASS)
PARTIAL_WORDS = 2 * NUM_WAYS + 3  # of 8 bytes


@dataclass(frozen=True, slots=True)
class FormatsKind:
    """What one compilation reads."""

    dtype: torch.dtype  # one of FORMATS
    width: int  # values of a row, up to 2^15
    layout: int  # how they lie, see `layout_of`

    @property
    def entry(self) -> str:
        """The source that reads it."""
        return "formats.cu"

    @property
    def shared_bytes(self) -> int:
        """The source declares all that it needs."""
        return 0

    @property
    def constants(self) -> dict[str, int]:
        """What it is compiled with: warps that share a row, rows that a block holds at a time."""
        needed = -(-self.width // (8 * 32 * MOST_ROUNDS))
        warps = 1 << (needed - 1).bit_length()
        return {
            "FORMAT": FORMATS.index(self.dtype),
            "WIDTH": self.width,
            "LAYOUT": self.layout,
            "WARPS": warps,
            "TEAMS": BLOCK_WARPS // warps,
        }


class FormatsArguments(ctypes.Structure):
    """One launch."""

    _fields_ = (
        ("x", ctypes.c_void_p),
        ("row_stride", ctypes.c_longlong),
        ("value_stride", ctypes.c_longlong),
        ("token", ctypes.c_void_p),
        ("kept", ctypes.c_void_p),
        ("threshold", ctypes.c_void_p),
        ("partial", ctypes.c_void_p),
        ("num_done", ctypes.c_void_p),
        ("num_real", ctypes.c_void_p),
        ("err_sq", ctypes.c_void_p),
        ("numbers", ctypes.c_void_p),
        ("num_rows", ctypes.c_int),
    )
