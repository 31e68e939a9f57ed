"""What stored bytes stand for, as tables of all 256 of them.

A byte of two or four codes has a row of as many numbers, so that one look-up gives all of them.
"""

from functools import cache

import torch
from torch import Tensor

E2M1 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0)
"""FP4 by its code."""

ITEMS = {1: torch.int32, 2: torch.int64, 4: torch.complex128}
"""What has as many bytes as so many float32 numbers, so that a row is looked up as one item."""

BYTE_BITS = 8
E8M0_BIAS = 127


def looked_up(codes: Tensor, table: Tensor) -> Tensor:
    """Look up what bytes stand for.

    Args:
        codes: Bytes of any 8-bit dtype, (rows, bytes).
        table: float32, (256, numbers in a byte): 1, 2 or 4.

    Returns:
        float32, (rows, bytes times numbers in a byte).
    """
    index = codes.contiguous().view(torch.uint8).flatten().int()
    items = table.view(ITEMS[table.shape[1]]).flatten()
    found = torch.index_select(items, 0, index)
    return found.view(torch.float32).view(len(codes), codes.shape[1] * table.shape[1])


def numbers_of(stored: Tensor) -> Tensor:
    """Read scales.

    Args:
        stored: Of a float dtype, FP8 included; bytes are exponents (E8M0).

    Returns:
        float32 of the same shape.
    """
    if stored.dtype in {torch.uint8, torch.float8_e8m0fnu}:
        return looked_up(stored.reshape(1, -1), e8m0()).view(stored.shape)
    if stored.dtype is torch.float8_e4m3fn:
        return looked_up(stored.reshape(1, -1), e4m3()).view(stored.shape)
    return stored.float()


@cache
def e4m3() -> Tensor:
    """Return FP8 E4M3: two of its codes are NaN, none is infinite."""
    return _bytes().view(torch.float8_e4m3fn).float()[:, None]


@cache
def e8m0() -> Tensor:
    """Return powers of two by their exponent; the last one is NaN."""
    powers = torch.exp2(_bytes().double() - E8M0_BIAS).float()
    powers[-1] = torch.nan
    return powers[:, None]


@cache
def e2m1() -> Tensor:
    """Return pairs of FP4 numbers, the first one in the low bits."""
    return pairs(torch.tensor(E2M1))


def pairs(table: Tensor, *, is_high_first: bool = False) -> Tensor:
    """Return pairs of the numbers that stand for codes of four bits.

    Args:
        table: float32, 16 numbers.
        is_high_first: Whether the first code of a byte stands in its high bits.

    Returns:
        float32, (256, 2).
    """
    low, high = table[_bytes().int() & 15], table[_bytes().int() >> 4]
    return torch.stack([high, low] if is_high_first else [low, high], dim=1)


@cache
def integers(bits: int) -> Tensor:
    """Return the unsigned integers that a byte holds, the first one in the low bits.

    Args:
        bits: 2, 4 or 8.

    Returns:
        float32, (256, codes in a byte).
    """
    shifts = torch.arange(0, BYTE_BITS, bits)
    return (_bytes()[:, None].int() >> shifts & (1 << bits) - 1).float()


def _bytes() -> Tensor:
    return torch.arange(256).to(torch.uint8)
