"""Integers by exponent as one integer without bound, put together by a compiled loop.

Python does the same (`exact_sums.weighted`), but takes longer than reading a small tensor.
"""

import numpy as np
import numpy.typing as npt

from hubmaxact.measurement.loops.compiled import Array, compiled
from hubmaxact.measurement.statistics.exact_sums import NUM_DIGITS

BITS = 32  # of a digit
LOW = (1 << BITS) - 1


@compiled
def _add_up(by_exponent: Array, power: int, shift: int, places: Array) -> None:
    """Each integer, at most 2^63, reaches over three digits wherever it begins."""
    for exponent in range(by_exponent.shape[0]):
        value = by_exponent[exponent]
        if value != 0:
            # subnormals share the step of the smallest exponent
            position = power * max(exponent, 1) + shift
            place, left = position // BITS, position % BITS
            low, high = (value & LOW) << left, (value >> BITS) << left
            places[place] += low & LOW
            places[place + 1] += (low >> BITS) + (high & LOW)
            places[place + 2] += high >> BITS


@compiled
def _carry(places: Array, digits: Array) -> None:
    carried = 0
    for place in range(digits.shape[0]):
        total = places[place] + carried
        digits[place] = total & LOW
        carried = total >> BITS


def total(power: int, *parts: tuple[npt.NDArray[np.int64], int]) -> int:
    """Sum up integers by biased exponent, in steps of 2^(-150 * power).

    Args:
        power: 1 for sums of values, 2 for those of their squares.
        *parts: Integers, and by how many bits each is shifted to the left.

    Returns:
        The sum of each integer times its step, which is not negative.
    """
    places, digits = np.zeros(NUM_DIGITS + 2, np.int64), np.empty(NUM_DIGITS, np.uint32)
    for by_exponent, shift in parts:
        _add_up(by_exponent, power, shift, places)
    _carry(places, digits)
    return int.from_bytes(digits.tobytes(), "little")
