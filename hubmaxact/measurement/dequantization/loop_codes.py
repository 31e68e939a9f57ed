"""Codes as compiled loops take them: plain arrays of some rows, whose ends loops do not notice."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.codes import (
    AWQ_PLACES,
    NIBBLES,
    Codes,
    InNibbles,
    InWords,
    LookedUp,
)
from hubmaxact.measurement.dequantization.compiled_rows.fill import NIBBLES as IN_NIBBLES
from hubmaxact.measurement.dequantization.compiled_rows.fill import TABLE, WORDS
from hubmaxact.measurement.dequantization.compiled_rows.turning import turn
from hubmaxact.measurement.dequantization.numbers import BYTE_BITS, Lookup
from hubmaxact.measurement.dequantization.packing import WORD_BITS
from hubmaxact.measurement.loops.compiled import Array


class LoopCodes(NamedTuple):
    """Codes as `fill_rows` takes them; what a layout has nothing of is empty."""

    layout: int
    codes: Array = np.empty((0, 0), np.uint8)
    table: Array = np.empty(0, np.float32)
    width: int = 1
    words: Array = np.empty((0, 0), np.int32)
    bits: int = WORD_BITS
    offset: int = 0
    places: Array = np.empty(0, np.int64)


def loop_codes(codes: Codes, rows: slice, columns: int) -> LoopCodes:
    """Return the codes of some rows.

    Args:
        codes: Of a matrix.
        rows: From a multiple of eight on.
        columns: Numbers in a row.

    Returns:
        As many codes, or more in a row.
    """
    return LAYOUTS[type(codes)](codes, rows, columns)


def _looked_up(codes: LookedUp, rows: slice, columns: int) -> LoopCodes:
    return _by_table(codes.bytes_RB[rows], codes.lookup, rows, columns)


def _in_words(codes: InWords, rows: slice, columns: int) -> LoopCodes:
    """Bytes, where no code straddles two of them."""
    unpacking = codes.unpacking
    words = _as_rows(codes.words, rows)
    if BYTE_BITS % unpacking.bits == 0:
        return _by_table(torch.from_numpy(words).view(torch.uint8), unpacking.lookup, rows, columns)
    assert len(words) == rows.stop - rows.start
    assert words.shape[1] * WORD_BITS >= columns * unpacking.bits
    return LoopCodes(WORDS, words=words, bits=unpacking.bits, offset=unpacking.offset)


def _in_nibbles(codes: InNibbles, rows: slice, columns: int) -> LoopCodes:
    words = _as_rows(codes.words, slice(rows.start // NIBBLES, -(-rows.stop // NIBBLES)))
    assert len(words) * NIBBLES >= rows.stop - rows.start
    assert words.shape[1] >= columns
    return LoopCodes(IN_NIBBLES, words=words, places=np.array(AWQ_PLACES))


LAYOUTS: Mapping[type, Callable[[Any, slice, int], LoopCodes]] = {
    LookedUp: _looked_up,
    InWords: _in_words,
    InNibbles: _in_nibbles,
}


def _by_table(codes_RB: Tensor, lookup: Lookup, rows: slice, columns: int) -> LoopCodes:
    assert len(lookup.table) == 1 << BYTE_BITS
    assert len(codes_RB) == rows.stop - rows.start
    assert codes_RB.shape[1] * lookup.width >= columns
    table = lookup.table.flatten().numpy()
    return LoopCodes(TABLE, codes=codes_RB.numpy(), table=table, width=lookup.width)


def _as_rows(words: Tensor, rows: slice) -> Array:
    """Some rows of words, contiguous; those that are stored turned round are turned."""
    if words.is_contiguous():
        whole: Array = words[rows].numpy()
        return whole
    out = np.empty((min(rows.stop, len(words)) - rows.start, words.shape[1]), np.int32)
    turn(words.T.contiguous().numpy(), rows.start, out)
    return out
