"""A small generator of our own, so that equal seeds give equal choices everywhere.

SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators"): 64-bit
integer arithmetic only; no platform, locale, hash seed or library version can change it.
"""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
MASK = (1 << 64) - 1


class Generator:
    """A stream of choices fixed by its seed."""

    def __init__(self, seed: int) -> None:
        self.state = seed & MASK

    def bits(self) -> int:
        """Return the next 64 bits as an unsigned integer."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, bound: int) -> int:
        """Return an integer in [0, bound), without modulo bias."""
        if bound < 1:
            raise ValueError(f"bound must be positive, got {bound}")
        limit = (MASK + 1) - (MASK + 1) % bound
        while (value := self.bits()) >= limit:
            pass
        return value % bound

    def choice(self, items: Sequence[T]) -> T:
        """Return one of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return the items in a random order (Fisher-Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Return `count` distinct items, in a random order."""
        if not 0 <= count <= len(items):
            raise ValueError(f"cannot take {count} of {len(items)} items")
        return self.shuffled(items)[:count]
