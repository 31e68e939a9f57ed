"""Unsigned integers of 2 to 8 bits, packed densely in 32-bit words, the low bits first.

32 codes fill as many words as one has bits. Those of 3, 5, 6 and 7 bits may straddle two bytes.
"""

import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.numbers import BYTE_BITS, integers, looked_up

WORD_BITS = 32
WIDTHS = range(2, 9)  # bits of a code


def words_for(count: int, bits: int) -> int:
    """Return how many words hold a number of codes."""
    return -(-count * bits // WORD_BITS)


def unpacked(words: Tensor, bits: int, count: int) -> Tensor:
    """Unpack rows of words.

    Args:
        words: int32, (rows, words).
        bits: Of a code, 2 to 8.
        count: Codes in a row; the words have room for them.

    Returns:
        float32, (rows, count).
    """
    bytes_of = words.contiguous().view(torch.uint8)  # the low byte first, as memory has them
    if BYTE_BITS % bits == 0:
        return looked_up(bytes_of, integers(bits))[:, :count]
    # Eight codes fill `bits` bytes.
    filled = torch.nn.functional.pad(bytes_of, (0, -bytes_of.shape[1] % bits))
    runs = filled.int().unflatten(1, (-1, bits))
    codes = torch.empty(*runs.shape[:2], BYTE_BITS)
    for place in range(BYTE_BITS):
        byte, offset = divmod(place * bits, BYTE_BITS)
        value = runs[..., byte] >> offset
        if offset + bits > BYTE_BITS:
            value |= runs[..., byte + 1] << BYTE_BITS - offset
        codes[..., place] = value & (1 << bits) - 1
    return codes.flatten(1)[:, :count]
