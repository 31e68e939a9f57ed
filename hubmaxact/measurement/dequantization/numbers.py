"""What stored codes stand for, as tables: one look-up gives all numbers of a byte.

Arithmetic on FP8 of some processors is many times slower than a table that stays in their cache.
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


class Lookup:
    """Looks up what stored codes stand for, again and again, without new memory.

    Args:
        table: float32, (entries, numbers in an entry): 1, 2 or 4 numbers.

    Attributes:
        table: As given.
        width: Numbers in an entry.
    """

    table: Tensor
    width: int

    def __init__(self, table: Tensor) -> None:
        self.table, self.width = table, table.shape[1]
        self._items = table.view(ITEMS[self.width]).flatten()
        self._index = torch.empty(0, dtype=torch.int32)

    def into(self, values: Tensor, codes: Tensor) -> None:
        """Write the numbers of codes.

        Args:
            values: float32, contiguous; as many numbers as the codes stand for.
            codes: Bytes of any 8-bit dtype, or integers, none beyond the table.
        """
        if codes.numel() == 0:
            return
        if codes.itemsize == 1:
            codes = codes.view(torch.uint8)
        if len(self._index) < codes.numel():
            self._index = torch.empty(codes.numel(), dtype=torch.int32)
        index = self._index[: codes.numel()]
        index.view(codes.shape).copy_(codes)
        torch.index_select(self._items, 0, index, out=values.view(self._items.dtype).flatten())

    def of(self, codes: Tensor) -> Tensor:
        """Return the numbers of codes.

        Args:
            codes: As `into` takes them.

        Returns:
            float32; the last size is that of the codes times the numbers in an entry.
        """
        values = torch.empty(*codes.shape[:-1], codes.shape[-1] * self.width)
        self.into(values, codes)
        return values


def numbers_of(stored: Tensor) -> Tensor:
    """Read scales.

    Args:
        stored: Of a float dtype, FP8 included; bytes are exponents (E8M0).

    Returns:
        float32 of the same shape.
    """
    if stored.dtype in {torch.uint8, torch.float8_e8m0fnu}:
        return Lookup(e8m0()).of(stored)
    if stored.dtype is torch.float8_e4m3fn:
        return Lookup(e4m3()).of(stored)
    return stored.float()


@cache
def e4m3() -> Tensor:
    """Return FP8 E4M3: two of its codes are NaN, none is infinite."""
    return _bytes().view(torch.float8_e4m3fn).float()[:, None]


@cache
def int8() -> Tensor:
    """Return signed integers."""
    return _bytes().view(torch.int8).float()[:, None]


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


def _bytes() -> Tensor:
    return torch.arange(256).to(torch.uint8)
