"""Weights one number at a time, in plain Python: slow, and hard to get wrong.

Every operation is rounded to float32, in the order in which the packages compute.
"""

import math

import numpy as np

F = np.float32


def e4m3(byte):
    """1 sign, 4 exponent and 3 fraction bits; no infinity, and NaN where all of them are set."""
    sign, exponent, fraction = -1.0 if byte >> 7 else 1.0, byte >> 3 & 15, byte & 7
    if (exponent, fraction) == (15, 7):
        return math.nan
    if exponent == 0:
        return sign * fraction * 2.0**-9
    return sign * (1 + fraction / 8) * 2.0 ** (exponent - 7)


def e2m1(code):
    """1 sign, 2 exponent and 1 fraction bit."""
    sign, exponent, fraction = -1.0 if code >> 3 else 1.0, code >> 1 & 3, code & 1
    return sign * (fraction / 2 if exponent == 0 else (1 + fraction / 2) * 2.0 ** (exponent - 1))


def e8m0(byte):
    """A power of two; the last code is NaN."""
    return math.nan if byte == 255 else math.ldexp(1.0, byte - 127)


def code_in(words, place, bits):
    """The code at a place of a row of words, which are one long number, its low end first."""
    number = sum((word & 0xFFFFFFFF) << 32 * index for index, word in enumerate(words))
    return number >> place * bits & (1 << bits) - 1


def nibble(row, place):
    """The code at a place of a row of bytes, low halves first."""
    return row[place // 2] >> 4 * (place % 2) & 15


def matrix(rows, columns, number):
    """A float32 matrix from a function of row and column."""
    with np.errstate(all="ignore"):
        return np.array(
            [[number(row, column) for column in range(columns)] for row in range(rows)], F
        ).reshape(rows, columns)
