"""Exact sums of float32 values, held as integers per binary exponent.

A float32 is +-m * 2^e with m < 2^24. Adding the integers m (and m^2 in two halves) per exponent is
exact and order-free; the sums leave as fractions, rounded once, at the end. Bound: fewer than 2^29
elements per update and 2^39 in all, below which no integer can overflow.
"""

from fractions import Fraction
from typing import Self

import torch
from torch import Tensor

from hubmaxact.measurement.statistics.accumulator import State

NUM_EXPONENTS = 256
MOST_PER_UPDATE = 1 << 29
HALF = 24  # bits of a half of m^2
BIAS = 150  # value = m * 2^(exponent - 150), 127 for the bias and 23 for the fraction


class ExactSums:
    """Sums of x, |x| and x^2 over finite float32 values; no rounding until `result`."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        # rows: m of positive values, m of negative values, high and low halves of m^2
        self.sums = torch.zeros(4, NUM_EXPONENTS, dtype=torch.int64, device=device)

    @torch.no_grad()
    def update(self, x: Tensor) -> None:
        """Fold in a float32 tensor of finite values, any shape."""
        if x.dtype != torch.float32 or x.numel() >= MOST_PER_UPDATE:
            raise ValueError(f"expected float32 and under 2^29 values, got {x.dtype}, {x.numel()}")
        bits = x.view(torch.int32).flatten()
        exponents = (bits >> 23) & 0xFF
        mantissas = ((bits & 0x7FFFFF) | ((exponents > 0).int() << 23)).to(torch.int64)
        exponents = exponents.clamp(min=1)  # subnormals share the smallest exponent
        signed = exponents + NUM_EXPONENTS * (bits < 0)
        squares = mantissas * mantissas
        self.sums[:2] += _by_bin(signed, mantissas, 2 * NUM_EXPONENTS).view(2, -1)
        self.sums[2] += _by_bin(exponents, squares >> HALF, NUM_EXPONENTS)
        self.sums[3] += _by_bin(exponents, squares & ((1 << HALF) - 1), NUM_EXPONENTS)

    def merge(self, other: Self) -> None:
        """Add another's integers."""
        self.sums += other.sums.to(self.sums.device)

    def state(self) -> State:
        """The integers."""
        return {"sums": self.sums}

    def load(self, state: State) -> None:
        """Go on from a state."""
        self.sums.copy_(state["sums"])

    def result(self) -> tuple[Fraction, Fraction, Fraction]:
        """(sum of x, sum of |x|, sum of x^2), exact."""
        positive, negative, high, low = self.sums.tolist()
        plus, minus = _weighted(positive, 1), _weighted(negative, 1)
        squares = [(upper << HALF) + lower for upper, lower in zip(high, low, strict=True)]
        return plus - minus, plus + minus, _weighted(squares, 2)


def _by_bin(bins: Tensor, weights: Tensor, num_bins: int) -> Tensor:
    """Sum integer weights (< 2^24) per bin; float64 holds them exactly below 2^29 elements."""
    totals = torch.bincount(bins, weights=weights.double(), minlength=num_bins)
    return totals.to(torch.int64)


def _weighted(integers: list[int], power: int) -> Fraction:
    """Sum of integer * 2^(power * (exponent - BIAS)) over exponents."""
    total = sum(value << (power * exponent) for exponent, value in enumerate(integers))
    return Fraction(total, 1 << (power * BIAS))
