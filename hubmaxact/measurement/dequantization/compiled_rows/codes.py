"""What the codes of one row stand for, in three layouts; float32, exactly."""

import numpy as np

from hubmaxact.measurement.loops.compiled import Array, compiled

u32, u64, i32, f32 = np.uint32, np.uint64, np.int32, np.float32

WORD_BITS = 32
NIBBLE_BITS = 4


@compiled
def by_table(codes: Array, table: Array, width: int, row: Array) -> None:
    """Look up bytes.

    Args:
        codes: Of a row, uint8.
        table: float32: `width` numbers for each byte.
        width: 1, 2 or 4.
        row: float32; the codes stand for as many numbers or more.
    """
    whole = row.shape[0] // width
    if width == 1:
        for i in range(whole):
            row[i] = table[codes[i]]
    elif width == 2:
        for i in range(whole):
            entry = u64(codes[i]) << u64(1)
            row[2 * i] = table[entry]
            row[2 * i + 1] = table[entry + u64(1)]
    else:
        for i in range(whole):
            entry = u64(codes[i]) << u64(2)
            row[4 * i] = table[entry]
            row[4 * i + 1] = table[entry + u64(1)]
            row[4 * i + 2] = table[entry + u64(2)]
            row[4 * i + 3] = table[entry + u64(3)]
    for i in range(whole * width, row.shape[0]):
        row[i] = table[u64(codes[whole]) * u64(width) + u64(i - whole * width)]


@compiled
def in_words(words: Array, bits: int, offset: int, row: Array) -> None:
    """Unpack codes that lie one behind the other, the low bits first.

    Args:
        words: Of a row, int32.
        bits: Of a code, 2 to 8.
        offset: What is added to each code.
        row: float32; the words have room for as many codes.
    """
    mask = u64((1 << bits) - 1)
    held, num_held, word = u64(0), 0, 0
    for i in range(row.shape[0]):
        if num_held < bits:
            held |= u64(u32(words[word])) << u64(num_held)
            num_held += WORD_BITS
            word += 1
        row[i] = f32(i32(held & mask) + i32(offset))
        held >>= u64(bits)
        num_held -= bits


@compiled
def in_nibbles(words: Array, place: int, row: Array) -> None:
    """Take one of the eight codes of four bits in each word.

    Args:
        words: One for each number of a row, int32.
        place: Which nibble, the lowest being 0.
        row: float32.
    """
    shift = u32(NIBBLE_BITS * place)
    for i in range(row.shape[0]):
        row[i] = f32(i32((u32(words[i]) >> shift) & u32(15)))
