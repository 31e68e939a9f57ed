"""Every finding over every population that the page offers.

The populations: the paper's main analysis, what was measured with reports, and everything.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hubmaxact.catalog.findings import usable
from hubmaxact.catalog.row import MEASURED, PAPER, Row
from hubmaxact.page.findings import int8, pairs, peaks
from hubmaxact.page.findings.finding import Finding, basis

Find = Callable[[Sequence[Row]], Finding]

FINDINGS: tuple[Find, ...] = (
    peaks.beyond_fp16,
    peaks.span,
    peaks.carriers,
    pairs.moe_against_dense,
    pairs.base_against_tuned,
    pairs.training_stages,
    int8.int8,
)


class Scope(NamedTuple):
    """One population."""

    name: str
    label: str
    holds: Callable[[Row], bool]


SCOPES = (
    Scope("paper", "The paper's 24 checkpoints", lambda row: row["in_paper_main"] is True),
    Scope("measured", "Measured releases", lambda row: row["source"] == MEASURED),
    Scope("all", "Everything in the index", lambda _: True),
)


WIDER: dict[tuple[str, Find], Callable[[Row], bool]] = {
    ("paper", pairs.base_against_tuned): lambda row: row["source"] == PAPER
}
"""Findings that rest on more than their population: the paper's tuned ones are not of its 24."""


def findings(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the populations, the first that has reports, and what is found over each."""
    inside = {scope.name: [row for row in rows if scope.holds(row)] for scope in SCOPES}
    return {
        "scopes": [
            {"id": scope.name, "label": scope.label, "basis": _basis(inside[scope.name])}
            for scope in SCOPES
        ],
        "first": next((name for name, some in inside.items() if usable(some)), SCOPES[-1].name),
        "findings": {
            name: [find(_population(name, find, rows) or some) for find in FINDINGS]
            for name, some in inside.items()
        },
    }


def _population(name: str, find: Find, rows: Sequence[Row]) -> list[Row]:
    holds = WIDER.get((name, find))
    return [row for row in rows if holds(row)] if holds else []


def _basis(rows: Sequence[Row]) -> str:
    known = usable(rows)
    said = basis(len(known), len({row["protocol_key"] for row in known}))
    aside = len(rows) - len(known)
    return f"{said}; {aside:,} left aside: not complete, copied or without M" if aside else said
