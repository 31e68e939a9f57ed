"""The kernels that find maxima of heads and of what experts are given.

Memory that they share with Python: the structures of `heads.cu` and `experts.cu`, field by field.
"""

import ctypes
from dataclasses import dataclass

import torch

from hubmaxact.measurement.kernels.cuda.kernel import FORMATS
from hubmaxact.measurement.rotary_pairs import Pairs

BLOCK_WARPS = 32  # each has rows of its own
WARP = 32
WHOLE, HALVES, NEIGHBOURS = 0, 1, 2


@dataclass(frozen=True, slots=True)
class HeadsKind:
    """What one compilation reads."""

    dtype: torch.dtype  # one of FORMATS
    width: int  # channels of a head
    layout: int  # how they lie, see `layout_of`
    pairs: Pairs | None  # the channels that belong together; None: all of a head do

    @property
    def entry(self) -> str:
        """The source that reads it."""
        return "heads.cu"

    @property
    def shared_bytes(self) -> int:
        """Nothing is shared."""
        return 0

    @property
    def constants(self) -> dict[str, int]:
        """What it is compiled with: as many lanes for a token as have something to do."""
        vectors = -(-self.width // 8)
        paired = WHOLE if self.pairs is None else HALVES
        if self.pairs is not None and self.pairs.are_neighbours:
            paired = NEIGHBOURS
        return {
            "FORMAT": FORMATS.index(self.dtype),
            "WIDTH": self.width,
            "LAYOUT": self.layout,
            "LANES": min(WARP, 1 << (vectors - 1).bit_length()),
            "PAIRED": paired,
            "CHANNELS": 0 if self.pairs is None else self.pairs.channels,
            "WARPS": 1,
            "TEAMS": BLOCK_WARPS,
        }


class HeadsArguments(ctypes.Structure):
    """One launch over a tensor of heads."""

    _fields_ = (
        ("x", ctypes.c_void_p),
        ("sequence_stride", ctypes.c_longlong),
        ("head_stride", ctypes.c_longlong),
        ("token_stride", ctypes.c_longlong),
        ("value_stride", ctypes.c_longlong),
        ("kept", ctypes.c_void_p),
        ("largest", ctypes.c_void_p),
        ("num_rows", ctypes.c_int),
        ("num_heads", ctypes.c_int),
        ("num_tokens", ctypes.c_int),
        ("length", ctypes.c_int),
    )


@dataclass(frozen=True, slots=True)
class ExpertsKind:
    """What one compilation reads."""

    dtype: torch.dtype  # one of FORMATS
    width: int  # values of a row
    layout: int  # the same

    @property
    def entry(self) -> str:
        """The source that reads it."""
        return "experts.cu"

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
            "LAYOUT": self.layout,
            "WARPS": 1,
            "TEAMS": BLOCK_WARPS,
        }


class ExpertsArguments(ctypes.Structure):
    """One launch over what a layer's experts are given."""

    _fields_ = (
        ("x", ctypes.c_void_p),
        ("row_stride", ctypes.c_longlong),
        ("value_stride", ctypes.c_longlong),
        ("chosen", ctypes.c_void_p),
        ("kept", ctypes.c_void_p),
        ("largest", ctypes.c_void_p),
        ("num_rows", ctypes.c_int),
        ("num_chosen", ctypes.c_int),
        ("num_experts", ctypes.c_int),
    )
