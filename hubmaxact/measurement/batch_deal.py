"""Who of several runs which batches of a plan: whole ones, the costliest dealt first. No torch."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from hubmaxact.errors import OptionsError
from hubmaxact.measurement.batch_plan import Batch

MOST_SHARES = 100_000
FEW_TOKENS = 8_192
"""A text of so many tokens costs twice as much for each as a short one: attention's share."""

_SHARE = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Share:
    """One of several parts of a run, counted from 0."""

    index: int = 0
    of: int = 1

    @classmethod
    def parse(cls, said: str) -> Self:
        """Read "I/N".

        Args:
            said: Such as "0/4", the first of four.

        Returns:
            The share.

        Raises:
            OptionsError: It is none.
        """
        found = _SHARE.fullmatch(said)
        index, of = map(int, found.groups()) if found else (0, 0)
        if not index < of <= MOST_SHARES:
            raise OptionsError(
                f"shard must be I/N with I from 0 to N - 1, such as 0/4, found {said!r:.40}."
            )
        return cls(index, of)

    def __str__(self) -> str:
        """Write "I/N"."""
        return f"{self.index}/{self.of}"

    def take(self, batches: Iterable[Batch]) -> tuple[Batch, ...]:
        """Return what this one runs of some batches."""
        return deal(batches, self.of)[self.index]


WHOLE = Share()


def deal(batches: Iterable[Batch], num_shares: int) -> tuple[tuple[Batch, ...], ...]:
    """Deal batches, the costliest first, each to whoever has least so far.

    Args:
        batches: Of one plan.
        num_shares: How many take part.

    Returns:
        For each its batches, in the order of the plan; the same wherever it is asked.

    Source: Graham 1969, "Bounds on multiprocessing timing anomalies": within 4/3 of the best.
    """
    shares: list[list[Batch]] = [[] for _ in range(num_shares)]
    loads = [0] * num_shares
    for batch in sorted(batches, key=lambda batch: (-_cost(batch), batch.index)):
        least = loads.index(min(loads))
        shares[least].append(batch)
        loads[least] += _cost(batch)
    return tuple(map(_in_order, shares))


def _cost(batch: Batch) -> int:
    """In tokens' worth: each a constant, and what it attends to."""
    return len(batch.samples) * batch.length * (FEW_TOKENS + batch.length)


def _in_order(batches: Sequence[Batch]) -> tuple[Batch, ...]:
    return tuple(sorted(batches, key=lambda batch: batch.index))
