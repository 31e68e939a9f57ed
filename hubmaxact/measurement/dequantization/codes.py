"""Where the codes of a matrix lie: read by torch's operations, or told to compiled loops."""

from typing import Protocol

import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.numbers import Lookup
from hubmaxact.measurement.dequantization.packing import Unpacking

NIBBLES = 8  # in a word
AWQ_PLACES = (0, 4, 1, 5, 2, 6, 3, 7)
"""Which nibble of an AWQ word holds its first row, its second one, ..."""


class Codes(Protocol):
    """The codes of a matrix."""

    def into(self, values: Tensor, rows: slice) -> None:
        """Write what the codes of some rows stand for, by torch's operations.

        Args:
            values: float32, (rows, columns), contiguous.
            rows: From a multiple of eight on.
        """


class LookedUp:
    """Bytes that a table has one, two or four numbers for; a row's last ones may be left over.

    Args:
        codes_RB: Of an 8-bit dtype.
        lookup: The table.
    """

    def __init__(self, codes_RB: Tensor, lookup: Lookup) -> None:
        self.bytes_RB = codes_RB.contiguous().view(torch.uint8)
        self.lookup = lookup

    def into(self, values: Tensor, rows: slice) -> None:
        """Look them up."""
        if self.bytes_RB.shape[1] * self.lookup.width == values.shape[1]:
            self.lookup.into(values, self.bytes_RB[rows])
        else:
            values.copy_(self.lookup.of(self.bytes_RB[rows])[:, : values.shape[1]])


class InWords:
    """Integers one behind the other in 32-bit words.

    Args:
        words_RW: int32; may be stored turned round.
        unpacking: How.
    """

    def __init__(self, words_RW: Tensor, unpacking: Unpacking) -> None:
        self.words, self.unpacking = words_RW, unpacking

    def into(self, values: Tensor, rows: slice) -> None:
        """Unpack them."""
        self.unpacking.into(values, self.words[rows])


class InNibbles:
    """AWQ's integers: eight rows in a row of words, interleaved.

    Args:
        words_WC: int32; may be stored turned round.
    """

    def __init__(self, words_WC: Tensor) -> None:
        self.words = words_WC

    def into(self, values: Tensor, rows: slice) -> None:
        """Take every eighth row after the other."""
        words = self.words[rows.start // NIBBLES : rows.stop // NIBBLES].contiguous()
        in_words = values.unflatten(0, (-1, NIBBLES))
        for row, place in enumerate(AWQ_PLACES):
            in_words[:, row].copy_((words >> 4 * place).bitwise_and_(15))
