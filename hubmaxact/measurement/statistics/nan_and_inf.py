"""NaN and infinite values: counted in every tensor, whatever its type, and never dropped."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor


@dataclass(frozen=True, slots=True)
class NanAndInf:
    """How many values are not finite; counts of two tensors add."""

    num_nan: int = 0
    num_inf: int = 0

    @classmethod
    def of(cls, x: Tensor) -> Self:
        """Count in a floating point tensor of any shape."""
        return cls(int(x.isnan().sum()), int(x.isinf().sum()))

    def __add__(self, other: Self) -> Self:
        """Count in both."""
        return type(self)(self.num_nan + other.num_nan, self.num_inf + other.num_inf)

    @property
    def total(self) -> int:
        """How many are either."""
        return self.num_nan + self.num_inf
