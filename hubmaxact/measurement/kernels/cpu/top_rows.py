"""The largest values of a tensor, from the few rows that can hold one."""

from typing import Any

import numpy as np

from hubmaxact.measurement.loops.compiled import Array, compiled
from hubmaxact.measurement.statistics.top_values import NUM_TOP

i32, i64 = np.int32, np.int64

INFINITE = i32(0x7F800000)
SAMPLE, POSITION, TOKEN, GROUP = range(4)
"""Rows of `Tokens.columns_4T`."""
MAGNITUDE, OF_SAMPLE, AT_POSITION, CHANNEL, BITS, OF_TOKEN = range(6)
"""Columns of a table of values: the first five are their total order, the first descending."""


@compiled
def _before(one: Array, other: Array) -> Any:
    if one[MAGNITUDE] != other[MAGNITUDE]:
        return one[MAGNITUDE] > other[MAGNITUDE]
    for k in range(1, BITS + 1):
        if one[k] != other[k]:
            return one[k] < other[k]
    return False


@compiled
def _offer(top: Array, number: int, new: Array) -> int:
    """Keep the best of each (token id, channel), and the best of those; returns their number.

    A key that was pushed out comes back by a better value, so the order of offers is all one.
    """
    if number == NUM_TOP and not _before(new, top[NUM_TOP - 1]):
        return number
    at = number
    for k in range(number):
        if top[k, OF_TOKEN] == new[OF_TOKEN] and top[k, CHANNEL] == new[CHANNEL]:
            if not _before(new, top[k]):
                return number
            at = k
            break
    if at == number:
        number = min(number + 1, NUM_TOP)
        at = number - 1
    while at > 0 and _before(new, top[at - 1]):
        top[at] = top[at - 1]
        at -= 1
    top[at] = new
    return number


@compiled
def _least_of_leaders(places: Array, columns: Array, row_max: Array, group_max: Array) -> Any:
    """Bits that the last of the best values is sure to reach: the best rows of distinct tokens."""
    if group_max.shape[0] < NUM_TOP:
        return i32(0)
    group_max[:] = -1
    for t in range(places.shape[0]):
        group = columns[GROUP, places[t]]
        group_max[group] = max(group_max[group], row_max[t])
    leading = np.full(NUM_TOP, -1, np.int32)
    for g in range(group_max.shape[0]):
        if group_max[g] > leading[NUM_TOP - 1]:
            k = NUM_TOP - 1
            while k > 0 and leading[k - 1] < group_max[g]:
                leading[k] = leading[k - 1]
                k -= 1
            leading[k] = group_max[g]
    return max(i32(0), leading[NUM_TOP - 1])


@compiled
def find_top(
    values: Array,
    shift: int,
    stride: int,
    width: int,
    rows: Array,
    places: Array,
    columns: Array,
    row_max: Array,
    group_max: Array,
    floor: Any,
    top: Array,
) -> int:
    """Find the largest values, distinct in token id and channel.

    Args:
        values: Bits of all the tensor's memory.
        shift: From these bits to those of a float32.
        stride: From one row to the next.
        width: Of a row.
        rows: Numbers of the rows to read.
        places: Position of each of them in the batch.
        columns: Of the batch's tokens.
        row_max: Bits of the largest finite |x| of each row.
        group_max: Room for each distinct token id.
        floor: Bits of a magnitude below which no value matters.
        top: Table for what is found, written.

    Returns:
        How many were found.
    """
    floor = max(i32(floor), _least_of_leaders(places, columns, row_max, group_max))
    number = 0
    new = np.empty(6, np.int64)
    for t in range(rows.shape[0]):
        if row_max[t] < floor:
            continue
        start, place = rows[t] * stride, places[t]
        for channel in range(width):
            bits = i32(i32(values[start + channel]) << i32(shift))
            magnitude = i32(bits & i32(0x7FFFFFFF))
            if magnitude < floor or magnitude >= INFINITE:
                continue
            new[MAGNITUDE], new[BITS], new[CHANNEL] = magnitude, bits, channel
            new[OF_SAMPLE], new[AT_POSITION] = columns[SAMPLE, place], columns[POSITION, place]
            new[OF_TOKEN] = columns[TOKEN, place]
            number = _offer(top, number, new)
            if number == NUM_TOP:
                floor = max(floor, i32(top[NUM_TOP - 1, MAGNITUDE]))
    return number


@compiled
def count_beyond(row_max: Array, limits: Array, counts: Array) -> None:
    """Count rows whose largest |x| is beyond limits.

    Args:
        row_max: Bits of it as float32, of each row.
        limits: float32.
        counts: By limit, added to.
    """
    largest = row_max.view(np.float32)
    for limit in range(limits.shape[0]):
        number, beyond = i64(0), limits[limit]
        for t in range(largest.shape[0]):
            number += i64(largest[t] > beyond)
        counts[limit] += number


@compiled
def raise_maxima(maxima: Array, index: Array, bits: Array) -> None:
    """Raise the largest |x| by index; an index beyond the last one is left out.

    Args:
        maxima: Floats, raised.
        index: Where each value belongs.
        bits: Of the values, as float32.
    """
    for t in range(bits.shape[0]):
        if index[t] < maxima.shape[0]:
            value = i32(bits[t]).view(np.float32)
            maxima[index[t]] = max(maxima[index[t]], value)
