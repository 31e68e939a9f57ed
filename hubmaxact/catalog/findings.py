"""The paper's findings, recomputed from whatever rows are given.

Pure functions of rows. Each finding says how many reports it rests on and how many protocols they
come from: values of more than one protocol are pooled only where the caller pools them, and pairs
are formed within one protocol alone. Rows without M, partial ones, and copies are left aside.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hubmaxact.catalog.pairs import Pair, base_and_tuned, moe_and_dense, stages_of
from hubmaxact.catalog.rank_correlation import spearman
from hubmaxact.catalog.row import Row

RESIDUAL = "hidden_state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a finding rests on."""

    num_reports: int
    num_protocols: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span(Basis):
    """How far apart the smallest and the largest M lie."""

    smallest: Row | None
    largest: Row | None
    orders_of_magnitude: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriers(Basis):
    """Which role holds M: the first of tied ones, and every one of them."""

    by_role: dict[str, int]
    by_role_with_ties: dict[str, int]

    @property
    def residual(self) -> int:
        """Releases whose M is counted in the residual stream."""
        return self.by_role.get(RESIDUAL, 0)

    @property
    def residual_with_ties(self) -> int:
        """Releases whose M stands in the residual stream, also if elsewhere too."""
        return self.by_role_with_ties.get(RESIDUAL, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs(Basis):
    """Releases that differ in one thing, two by two; the largest ratio first."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages(Basis):
    """Checkpoints of one training run, each by tokens trained."""

    runs: tuple[tuple[Row, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankCorrelation(Basis):
    """Spearman's rank correlation of M with an INT8 error; None when it is undefined."""

    column: str
    value: float | None
    points: tuple[tuple[float, float], ...]  # (M, error)


ErrorColumn = Literal[
    "int8_max_abs_sqnr_db", "int8_max_abs_rel_mae", "int8_clip_sqnr_db", "int8_clip_rel_mae"
]


def usable(rows: Iterable[Row]) -> list[Row]:
    """Rows that a finding may rest on: M is known, of everything expected, and not another's."""
    return [
        row
        for row in rows
        if row["abs_max"] and row["status"] in {"complete", None} and row["trust"] != "copied"
    ]


def span(rows: Iterable[Row]) -> Span:
    """Return how many orders of magnitude M spans."""
    known = sorted(usable(rows), key=_abs_max)
    if not known:
        return Span(**_basis([]), smallest=None, largest=None, orders_of_magnitude=None)
    orders = math.log10(_abs_max(known[-1]) / _abs_max(known[0]))
    return Span(**_basis(known), smallest=known[0], largest=known[-1], orders_of_magnitude=orders)


def carriers(rows: Iterable[Row]) -> Carriers:
    """Return how often each role holds M."""
    known = usable(rows)
    first = Counter(row["carrier_role"] for row in known if row["carrier_role"])
    tied = Counter(role for row in known for role in row["tied_roles"] or ())
    return Carriers(**_basis(known), by_role=dict(first), by_role_with_ties=dict(tied))


def moe_against_dense(rows: Iterable[Row]) -> Pairs:
    """Return each mixture of experts with the dense release of its family nearest in size.

    The ratio is the dense one's M over the mixture's.
    """
    return _pairs(moe_and_dense(usable(rows)))


def base_against_tuned(rows: Iterable[Row]) -> Pairs:
    """Return each base release with the instruction-tuned ones made from it.

    The ratio is the base's M over the tuned one's.
    """
    return _pairs(base_and_tuned(usable(rows)))


def training_stages(rows: Iterable[Row]) -> Stages:
    """Return the checkpoints of each training run that has more than one."""
    runs = stages_of(usable(rows))
    return Stages(**_basis([row for run in runs for row in run]), runs=tuple(runs))


def peak_against_error(
    rows: Iterable[Row], column: ErrorColumn = "int8_max_abs_sqnr_db"
) -> RankCorrelation:
    """Return the rank correlation of M with the INT8 error at M."""
    known = [row for row in usable(rows) if row[column] is not None]
    points = tuple((_abs_max(row), row[column] or 0.0) for row in known)
    value = spearman([m for m, _ in points], [error for _, error in points])
    return RankCorrelation(**_basis(known), column=column, value=value, points=points)


def _pairs(pairs: Iterable[Pair]) -> Pairs:
    found = tuple(sorted(pairs, key=lambda pair: (-pair.ratio, pair.first["key"])))
    members = {row["key"]: row for pair in found for row in (pair.first, pair.second)}
    return Pairs(**_basis(list(members.values())), pairs=found)


def _basis(rows: Sequence[Row]) -> dict[str, int]:
    return {
        "num_reports": len(rows),
        "num_protocols": len({row["protocol_key"] for row in rows}),
    }


def _abs_max(row: Row) -> float:
    assert row["abs_max"] is not None
    return row["abs_max"]
