"""A row combined with the numbers of its groups, one operation of float32 for each."""

from typing import Any

import numpy as np

from hubmaxact.measurement.loops.compiled import Array, compiled

u64 = np.uint64

NOTHING, SUBTRACT, MULTIPLY = 0, 1, 2


@compiled
def combine(row: Array, step: int, numbers: Array, wide: int, group_of: Array) -> None:
    """Subtract or multiply, in place.

    Args:
        row: float32.
        step: `NOTHING`, `SUBTRACT` or `MULTIPLY`.
        numbers: One for each group, float32.
        wide: Columns of a group that are neighbors; the last group may be cut.
        group_of: Group of each column, uint32. Empty: neighbors share one.
    """
    if step == NOTHING:
        return
    if group_of.shape[0]:
        _by_index(row, step, numbers, group_of)
        return
    for group in range(numbers.shape[0]):
        some = row[group * wide : min((group + 1) * wide, row.shape[0])]
        _one(some, step, numbers[group])


@compiled
def _one(some: Array, step: int, number: Any) -> None:
    if step == SUBTRACT:
        for i in range(some.shape[0]):
            some[i] -= number
    else:
        for i in range(some.shape[0]):
            some[i] *= number


@compiled
def _by_index(row: Array, step: int, numbers: Array, group_of: Array) -> None:
    if step == SUBTRACT:
        for i in range(row.shape[0]):
            row[i] -= numbers[group_of[i]]
    else:
        for i in range(row.shape[0]):
            row[i] *= numbers[group_of[i]]
