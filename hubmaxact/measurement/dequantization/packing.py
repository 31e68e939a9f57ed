"""Unsigned integers of 2 to 8 bits, packed densely in 32-bit words, the low bits first.

32 codes fill as many words as one has bits. Those of 3, 5, 6 and 7 bits may straddle two bytes.
"""

from functools import cache

import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.numbers import BYTE_BITS, Lookup

WORD_BITS = 32
WIDTHS = {2: 4, 3: 4, 4: 2, 5: 2, 6: 2, 7: 2, 8: 1}
"""Bits of a code -> how many codes are looked up at once."""


def words_for(count: int, bits: int) -> int:
    """Return how many words hold a number of codes."""
    return -(-count * bits // WORD_BITS)


class Unpacking:
    """Unpacks rows of words, again and again.

    Args:
        bits: Of a code, 2 to 8.
        offset: What is added to each code.

    Attributes:
        bits: As given.
        offset: Likewise.
        lookup: Codes by bytes, or by fields of codes that straddle them.
    """

    bits: int
    offset: int
    lookup: Lookup

    def __init__(self, bits: int, offset: int = 0) -> None:
        self.bits, self.offset = bits, offset
        self.lookup = Lookup(_integers(bits) + offset)

    def into(self, values: Tensor, words: Tensor) -> None:
        """Unpack rows.

        Args:
            values: float32, contiguous, (rows, codes in a row), which the words have room for.
            words: int32, (rows, words).
        """
        keys = self._keys(words.contiguous().view(torch.uint8))  # the low byte first
        if keys.shape[1] * self.lookup.width == values.shape[1]:
            self.lookup.into(values, keys)
        else:
            values.copy_(self.lookup.of(keys)[:, : values.shape[1]])

    def of(self, words: Tensor, count: int) -> Tensor:
        """Unpack rows.

        Args:
            words: int32, (rows, words).
            count: Codes in a row; the words have room for them.

        Returns:
            float32, (rows, count).
        """
        values = torch.empty(len(words), count)
        self.into(values, words)
        return values

    def _keys(self, bytes_of: Tensor) -> Tensor:
        """What is looked up: bytes, or fields of some codes out of the bytes that eight fill."""
        if BYTE_BITS % self.bits == 0:
            return bytes_of
        filled = torch.nn.functional.pad(bytes_of, (0, -bytes_of.shape[1] % self.bits))
        runs = filled.unflatten(1, (-1, self.bits)).int()
        size = self.lookup.width * self.bits
        keys = torch.empty(*runs.shape[:2], BYTE_BITS // self.lookup.width, dtype=torch.int32)
        for place in range(keys.shape[2]):
            byte, shift = divmod(place * size, BYTE_BITS)
            field = runs[..., byte] >> shift
            for more in range(1, -(-(shift + size) // BYTE_BITS)):
                field |= runs[..., byte + more] << BYTE_BITS * more - shift
            torch.bitwise_and(field, (1 << size) - 1, out=keys[..., place])
        return keys.flatten(1)


@cache
def _integers(bits: int) -> Tensor:
    """The codes in a field of as many as are looked up at once, the first one in the low bits."""
    shifts = torch.arange(WIDTHS[bits]) * bits
    fields = torch.arange(1 << WIDTHS[bits] * bits)
    return (fields[:, None] >> shifts & (1 << bits) - 1).float()
