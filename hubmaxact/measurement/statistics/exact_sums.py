"""Exact sums of float32 values, as integers of one fixed step.

A float32 is +-m * 2^(exponent - 150) with m < 2^24. Whoever reads values adds up integers by
exponent, in the way that is cheapest there; the totals are integers without bound, so they are
exact, order-free, and the same however the values were read.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hubmaxact.measurement.statistics.accumulator import State

NUM_EXPONENTS = 256
MOST_PER_UPDATE = 1 << 29
HALF = 24  # bits of a half of m^2
BIAS = 150  # value = m * 2^(exponent - 150), 127 for the bias and 23 for the fraction
NUM_DIGITS = 20  # of 32 bits: squares of 2^39 values and more


class ExactSums:
    """Sums of x, |x| and x^2 over finite float32 values; no rounding until `result`."""

    def __init__(self) -> None:
        # of positive values and of negative ones in steps of 2^-150, of squares in those of 2^-300
        self._plus = self._minus = self._squares = 0

    def add(self, plus: int, minus: int, squares: int) -> None:
        """Fold in totals.

        Args:
            plus: Sum of positive values, in steps of 2^-150.
            minus: Sum of the magnitudes of negative values, in the same steps.
            squares: Sum of squares, in steps of 2^-300.
        """
        self._plus += plus
        self._minus += minus
        self._squares += squares

    @torch.no_grad()
    def update(self, x: Tensor) -> None:
        """Fold in a float32 tensor of finite values, any shape and device."""
        if x.dtype != torch.float32 or x.numel() >= MOST_PER_UPDATE:
            raise ValueError(f"expected float32 and under 2^29 values, got {x.dtype}, {x.numel()}")
        bits = x.view(torch.int32).flatten()
        exponents = (bits >> 23) & 0xFF
        mantissas = ((bits & 0x7FFFFF) | ((exponents > 0).int() << 23)).to(torch.int64)
        signed = exponents + NUM_EXPONENTS * (bits < 0)
        squares = mantissas * mantissas
        plus, minus = _by_bin(signed, mantissas, 2 * NUM_EXPONENTS).reshape(2, -1)
        high = _by_bin(exponents, squares >> HALF, NUM_EXPONENTS)
        low = _by_bin(exponents, squares & ((1 << HALF) - 1), NUM_EXPONENTS)
        self.add(weighted(plus), weighted(minus), (weighted(high, 2) << HALF) + weighted(low, 2))

    def merge(self, other: Self) -> None:
        """Add another's integers."""
        self.add(*other._totals())

    def state(self) -> State:
        """The integers, each as digits of 32 bits, the lowest one first."""
        return {"digits": torch.tensor([digits(total) for total in self._totals()])}

    def load(self, state: State) -> None:
        """Go on from a state."""
        rows = state["digits"].tolist()
        self._plus, self._minus, self._squares = map(from_digits, rows)

    def result(self) -> tuple[Fraction, Fraction, Fraction]:
        """(sum of x, sum of |x|, sum of x^2), exact."""
        step = Fraction(1, 1 << BIAS)
        total, abs_total = self._plus - self._minus, self._plus + self._minus
        return total * step, abs_total * step, self._squares * step * step

    def _totals(self) -> tuple[int, int, int]:
        return self._plus, self._minus, self._squares


def weighted(by_exponent: npt.NDArray[Any], power: int = 1) -> int:
    """Integers by biased exponent as one sum, in steps of 2^(-150 * power).

    Args:
        by_exponent: Sums of mantissas, or of products of `power` mantissas; integers of 64 bits.
        power: 1 for sums of values, 2 for those of their squares.

    Returns:
        The sum of each integer times its step.
    """
    there = by_exponent.nonzero()[0]  # most exponents never occur
    return sum(
        value << (power * (exponent or 1))  # subnormals share the step of the smallest exponent
        for exponent, value in zip(there.tolist(), by_exponent[there].tolist(), strict=True)
    )


def _by_bin(bins: Tensor, weights: Tensor, num_bins: int) -> npt.NDArray[np.int64]:
    """Sum integer weights (< 2^24) per bin; float64 holds them exactly below 2^29 elements."""
    totals = torch.bincount(bins, weights=weights.double(), minlength=num_bins)
    return totals.to(torch.int64).cpu().numpy()


def digits(total: int) -> list[int]:
    """Take an integer below 2^640 apart.

    Args:
        total: Not negative.

    Returns:
        Digits of 32 bits, the lowest one first.
    """
    found: list[int] = np.frombuffer(total.to_bytes(4 * NUM_DIGITS, "little"), "<u4").tolist()
    return found


def from_digits(row: Iterable[int]) -> int:
    """Put an integer together again.

    Args:
        row: What `digits` made of it.

    Returns:
        The integer.
    """
    return sum(digit << (32 * place) for place, digit in enumerate(row))
