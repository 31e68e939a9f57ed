"""The shape of a finding as the page shows it: words, a table of its numbers, a chart of them.

A chart's points carry their names. In "dots", "bars" and "ratios" the value is x and y is null; a
ratio of 1 is no difference; "lines" and "scatter" have both. Long tables and charts are cut, and
the finding says so.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NotRequired, TypedDict

from hubmaxact.catalog.findings import Basis
from hubmaxact.catalog.row import Row
from hubmaxact.page.safe_text import shown
from hubmaxact.page.verdict import Level
from hubmaxact.rendering import numbers

MOST_LINES = 100
MOST_POINTS = 400
MOST_RUNS = 12

Cell = str | float | None
Kind = Literal["dots", "bars", "ratios", "lines", "scatter"]


class Point(TypedDict):
    """One value, or a pair of them, with the name of what has it.

    `level` is its standing against fp16, where the chart is about that: the verdict's, which looks
    at every tensor and not at x alone.
    """

    label: str
    x: float
    y: float | None
    level: NotRequired[Level]


class Series(TypedDict):
    """Points that belong together, and for how many they stand: too many are thinned."""

    label: str
    points: list[Point]
    total: int


class Chart(TypedDict):
    """What to draw."""

    kind: Kind
    x_label: str
    y_label: str | None
    x_log: bool
    y_log: bool
    series: list[Series]


class Table(TypedDict):
    """The same in numbers."""

    head: list[str]
    rows: list[list[Cell]]


class Finding(TypedDict):
    """One finding over one population; `answer` is null when it cannot be computed."""

    id: str
    title: str
    sentences: list[str]
    basis: str
    answer: str | None
    table: Table
    chart: Chart | None


def finding(
    name: str,
    title: str,
    found: Basis,
    sentences: Iterable[str],
    *,
    answer: str | None,
    table: Table,
    picture: Chart | None,
) -> Finding:
    """Put a finding together; what had to be cut is said after its sentences."""
    short = Table(head=table["head"], rows=table["rows"][:MOST_LINES])
    left = len(table["rows"]) - len(short["rows"])
    told = f"The table leaves out {numbers.count(left, 'further line')}." if left else ""
    return Finding(
        id=name,
        title=title,
        sentences=[sentence for sentence in (*sentences, told) if sentence],
        basis=f"rests on {basis(found.num_reports, found.num_protocols, ' of ')}",
        answer=answer,
        table=short,
        chart=picture if picture and any(s["points"] for s in picture["series"]) else None,
    )


def chart(
    kind: Kind,
    series: dict[str, list[Point]],
    *,
    x_label: str,
    y_label: str | None = None,
    x_log: bool = True,
    y_log: bool = False,
) -> Chart:
    """A chart of named series, each thinned to what can be seen."""
    return Chart(
        kind=kind,
        x_label=x_label,
        y_label=y_label,
        x_log=x_log,
        y_log=y_log,
        series=[
            Series(label=label, points=_thinned(points), total=len(points))
            for label, points in series.items()
            if points
        ],
    )


def basis(num_reports: int, num_protocols: int, between: str = ", ") -> str:
    """How many reports and protocols: `24 reports, 1 protocol`."""
    if not num_reports:
        return "no report"
    reports = numbers.count(num_reports, "report")
    return f"{reports}{between}{numbers.count(num_protocols, 'protocol')}"


def pooled(found: Basis) -> str:
    """A warning where values of several protocols stand together; empty for one."""
    if found.num_protocols < 2:
        return ""
    return (
        f"Values of {found.num_protocols:,} protocols are pooled here: differences may come from "
        "the measurements as well as from the models."
    )


def thinned(found: Sequence[object]) -> str:
    """A note that a chart cannot show everything; empty when it does."""
    if len(found) <= MOST_POINTS:
        return ""
    return f"The chart draws about {MOST_POINTS:,} points of each kind, evenly chosen."


def named(row: Row) -> str:
    """A release's name, safe to show."""
    return shown(row["name"])


def number(value: float | None) -> float | None:
    """A number for a table; null for what JSON cannot hold."""
    return value if value is None or math.isfinite(value) else None


def magnitude(row: Row) -> float:
    """M of a row that has it."""
    assert row["abs_max"] is not None
    return row["abs_max"]


def _thinned(points: list[Point]) -> list[Point]:
    """At most so many points, evenly over their order, both ends among them."""
    if len(points) <= MOST_POINTS:
        return points
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(place * step)] for place in range(MOST_POINTS)]
