"""Many small choices out of few 64-bit draws.

A choice among a hundred words needs seven bits; taking the remainders of one draw, one after
the other, makes choosing several times cheaper than a draw for each. Integers only, so equal
seeds give equal choices everywhere.
"""

from collections.abc import Sequence
from typing import TypeVar

from hubmaxact.corpus.prng import Generator

T = TypeVar("T")

# What is left of a draw serves the next choice while it holds 32 bits, which keeps the bias of
# a choice among 2^12 below 2^-20.
RESERVE = 1 << 32
SMALL = 1 << 12


class Draw:
    """A stream of choices fixed by its seed."""

    __slots__ = ("_generator", "_pool")

    def __init__(self, seed: int) -> None:
        self._generator = Generator(seed)
        self._pool = 0

    def below(self, bound: int) -> int:
        """Return an integer in [0, bound)."""
        if bound > SMALL:
            return self._generator.below(bound)
        pool = self._pool
        if pool < RESERVE:
            pool = self._generator.bits()
        self._pool, value = divmod(pool, bound)
        return value

    def between(self, low: int, high: int) -> int:
        """Return an integer in [low, high]."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        """Return True in `percent` of 100 cases."""
        return self.below(100) < percent

    def choice(self, items: Sequence[T]) -> T:
        """Return one of the items."""
        return items[self.below(len(items))]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Return up to `count` distinct items, in a random order."""
        rest = list(items)
        taken: list[T] = []
        while rest and len(taken) < count:
            place = self.below(len(rest))
            rest[place], rest[-1] = rest[-1], rest[place]
            taken.append(rest.pop())
        return taken

    def subset(self, items: Sequence[T], count: int) -> list[T]:
        """Return up to `count` distinct items; fewer choices than `sample`, no promise of order."""
        rest = list(items)
        if 2 * count < len(rest):
            return self.sample(rest, count)
        while len(rest) > count:
            place = self.below(len(rest))
            rest[place] = rest[-1]
            rest.pop()
        return rest
