"""Which releases may be held against each other: within one protocol, and alike but for one thing.

Releases are matched by what their rows say, never by their names.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import NamedTuple

from hubmaxact.catalog.row import Row

LARGEST_SIZE_RATIO = 1.5
"""Beyond it, releases are not of matched size; the paper's pairs reach 1.30."""

BASE = {"base"}
TUNED = {"chat", "instruct", "it", "post-trained", "rlhf", "sft"}


class Pair(NamedTuple):
    """Two releases and the first one's M over the second one's."""

    first: Row
    second: Row
    ratio: float


def pair(first: Row, second: Row) -> Pair:
    """Hold two releases against each other."""
    assert first["abs_max"] is not None
    assert second["abs_max"]
    return Pair(first, second, first["abs_max"] / second["abs_max"])


def moe_and_dense(rows: Iterable[Row]) -> Iterator[Pair]:
    """Yield (dense, mixture of experts) of one family, nearest in size and near enough."""
    for group in _grouped(rows, lambda row: (row["protocol_key"], row["family"])):
        sized = [row for row in group if row["family"] and row["size"]]
        dense = [row for row in sized if row["architecture"] == "dense"]
        for moe in (row for row in sized if row["architecture"] == "moe"):
            nearest = min(dense, key=lambda row: (_distance(row, moe), row["key"]), default=None)
            if nearest and _distance(nearest, moe) <= math.log(LARGEST_SIZE_RATIO):
                yield pair(nearest, moe)


def base_and_tuned(rows: Iterable[Row]) -> Iterator[Pair]:
    """Yield (base, tuned): the tuned one names the base, or both have the same shape."""
    for group in _grouped(rows, lambda row: (row["protocol_key"],)):
        bases = _Bases(row for row in group if row["stage"] in BASE)
        for tuned in (row for row in group if row["stage"] in TUNED):
            for base in bases.of(tuned):
                yield pair(base, tuned)


def stages_of(rows: Iterable[Row]) -> list[tuple[Row, ...]]:
    """Return runs of at least two checkpoints that differ in the tokens they were trained on."""
    runs = []
    for group in _grouped(rows, lambda row: (row["protocol_key"], row["stage"], *_shape(row))):
        known = [row for row in group if row["family"] and row["tokens_trained"]]
        by_tokens = {row["tokens_trained"] or 0: row for row in known}
        if len(by_tokens) > 1:
            runs.append(tuple(row for _, row in sorted(by_tokens.items())))
    return runs


class _Bases:
    """Base releases under their names and their shapes, so that each is looked up once."""

    def __init__(self, bases: Iterable[Row]) -> None:
        self.named: dict[str, list[Row]] = defaultdict(list)
        self.shaped: dict[Hashable, list[Row]] = defaultdict(list)
        for base in bases:
            for name in {base["repo_id"], base["model_id"]} - {None}:
                self.named[name or ""].append(base)
            self.shaped[_shape(base)].append(base)

    def of(self, tuned: Row) -> list[Row]:
        """The ones that a tuned release names; if it names none, those of its shape."""
        named = tuned["base_model"]
        if named:
            return self.named.get(named, [])
        if tuned["family"] is None or tuned["size"] is None:
            return []
        return self.shaped.get(_shape(tuned), [])


def _shape(row: Row) -> tuple[Hashable, ...]:
    return tuple(
        row[name] for name in ("family", "architecture", "num_layers", "hidden_size", "size")
    )


def _distance(a: Row, b: Row) -> float:
    assert a["size"]
    assert b["size"]
    return abs(math.log(a["size"] / b["size"]))


def _grouped(
    rows: Iterable[Row], key: Callable[[Row], tuple[Hashable, ...]]
) -> Iterable[list[Row]]:
    groups: dict[Hashable, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["key"]):
        groups[key(row)].append(row)
    return groups.values()
