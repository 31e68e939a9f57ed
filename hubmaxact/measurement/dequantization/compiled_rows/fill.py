"""Rows of a weight, one after another: codes, up to two steps with numbers of groups, and out.

A row stays in the core's own cache between its steps.
"""

import numpy as np

from hubmaxact.measurement.dequantization.compiled_rows.codes import by_table, in_nibbles, in_words
from hubmaxact.measurement.dequantization.compiled_rows.grids import combine
from hubmaxact.measurement.dequantization.compiled_rows.rounding import to_bf16, to_fp16
from hubmaxact.measurement.loops.compiled import Array, compiled

TABLE, WORDS, NIBBLES = 0, 1, 2
"""Layouts of codes."""

FLOAT32, BFLOAT16, FLOAT16 = 0, 1, 2
"""Number formats of the result."""

NUM_NIBBLES = 8


@compiled
def fill_rows(
    first: int,
    layout: int,
    codes: Array,
    table: Array,
    width: int,
    words: Array,
    bits: int,
    offset: int,
    places: Array,
    step_1: int,
    numbers_1: Array,
    high_1: int,
    wide_1: int,
    group_of_1: Array,
    step_2: int,
    numbers_2: Array,
    high_2: int,
    wide_2: int,
    group_of_2: Array,
    number_format: int,
    out_32: Array,
    out_16: Array,
    nan: int,
) -> None:
    """Fill rows.

    What a layout or a number format does not need is there, and empty: so one function is compiled
    for all.

    Args:
        first: Which row of its matrix the first one is, which its groups depend on.
        layout: `TABLE`, `WORDS` or `NIBBLES`.
        codes: By row; uint8, looked up.
        table: As `by_table` takes it.
        width: Likewise.
        words: By row, in nibbles by eight rows; int32.
        bits: As `in_words` takes them.
        offset: Likewise.
        places: Which nibble holds the first of eight rows, the second, ...
        step_1: As `combine` takes it, as are the next ones.
        numbers_1: By block of rows.
        high_1: Rows of a block.
        wide_1: Columns of a group.
        group_of_1: Group of each column.
        step_2: What follows.
        numbers_2: Likewise.
        high_2: Likewise.
        wide_2: Likewise.
        group_of_2: Likewise.
        number_format: `FLOAT32`, `BFLOAT16` or `FLOAT16`.
        out_32: The rows where they are float32.
        out_16: Their bits where they are not, uint16.
        nan: What a NaN becomes in bf16.
    """
    is_float32 = number_format == FLOAT32
    room = np.empty(0 if is_float32 else out_16.shape[1], np.float32)
    for i in range(out_32.shape[0] if is_float32 else out_16.shape[0]):
        row = out_32[i] if is_float32 else room
        if layout == TABLE:
            by_table(codes[i], table, width, row)
        elif layout == WORDS:
            in_words(words[i], bits, offset, row)
        else:
            in_nibbles(words[i // NUM_NIBBLES], places[i % NUM_NIBBLES], row)
        combine(row, step_1, numbers_1[(first + i) // high_1], wide_1, group_of_1)
        combine(row, step_2, numbers_2[(first + i) // high_2], wide_2, group_of_2)
        if number_format == BFLOAT16:
            to_bf16(row, out_16[i], nan)
        elif number_format == FLOAT16:
            to_fp16(row, out_16[i])
