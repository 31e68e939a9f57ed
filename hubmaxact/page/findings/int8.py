"""The finding on the INT-8 diagnostic: whether a larger M goes with a larger error at M."""

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from hubmaxact.catalog import findings
from hubmaxact.catalog.findings import ErrorColumn, RankCorrelation
from hubmaxact.catalog.row import Row
from hubmaxact.page.findings.finding import (
    Cell,
    Finding,
    Point,
    Table,
    chart,
    finding,
    magnitude,
    named,
    pooled,
    thinned,
)
from hubmaxact.rendering import numbers
from hubmaxact.rendering.fit.levels import LEVELS

FEWEST = 3
"""Releases below which a rank correlation says nothing."""

SQNR: ErrorColumn = "int8_max_abs_sqnr_db"
LABELS = {
    "int8_max_abs_sqnr_db": "SQNR (dB), max-abs scale",
    "int8_max_abs_rel_mae": "relative MAE, max-abs scale",
    "int8_clip_sqnr_db": "SQNR (dB), clipped at the 0.999 quantile",
    "int8_clip_rel_mae": "relative MAE, clipped at the 0.999 quantile",
}

FORMATS: dict[str, Literal["fit_fp8", "fit_int8", "fit_4bit"]] = {
    "FP8": "fit_fp8",
    "INT8": "fit_int8",
    "4-bit": "fit_4bit",
}
"""Formats that linear maps' inputs are rounded to, and the columns of their verdicts."""


def int8(rows: Sequence[Row]) -> Finding:
    """Return the rank correlation of M with the INT-8 diagnostic at M."""
    found = findings.peak_against_error(rows, SQNR)
    value = _value(found)
    answer = None if value is None else f"{value:+.2f}"
    measured = [row for row in findings.usable(rows) if row[SQNR] is not None]
    return finding(
        "int8",
        f"Rank correlation of M with the INT-8 diagnostic: {answer}"
        if answer
        else "Too few releases to hold M against the INT-8 diagnostic",
        found,
        (*_said(answer), _on_formats(rows), pooled(found), thinned(measured)),
        answer=answer,
        table=Table(head=["M against", "Rank correlation", "Releases"], rows=_lines(rows)),
        picture=chart(
            "scatter",
            {"releases": [_point(row) for row in measured]},
            x_label="M",
            y_label=LABELS[SQNR],
        ),
    )


def _said(answer: str | None) -> list[str]:
    return [
        "Spearman's: +1 when both grow together, 0 when neither follows the other, -1 when one "
        "grows as the other falls."
        if answer
        else f"It takes {FEWEST} complete reports with the diagnostic at M, not all alike.",
        (
            "A diagnostic, as in arXiv:2605.15572: it rounds the tensor that holds M, which "
            "deployed kernels often do not, so it is no measure of a quantized model."
        ),
        "The paper's eight checkpoints that have it: +0.12. M alone tells little of this error.",
    ]


def _on_formats(rows: Sequence[Row]) -> str:
    """In how many releases deployed formats lose little; only some reports tell."""
    told = []
    for title, column in FORMATS.items():
        small, total = _small(row[column] for row in findings.usable(rows))
        if total:
            told.append(f"{title} for {small:,} of {numbers.count(total, 'release')}")
    said = ", in ".join(told)
    start = "Where deployed kernels round, in what linear maps read, the error or loss is small in"
    return f"{start} {said}." if told else ""


def _small(words: Iterable[str | None]) -> tuple[int, int]:
    """How many verdicts give the smallest level, and how many give one."""
    levels = [level for word in words for level in LEVELS if (word or "").startswith(level.word)]
    return levels.count(LEVELS[0]), len(levels)


def _lines(rows: Sequence[Row]) -> list[list[Cell]]:
    found = [findings.peak_against_error(rows, column) for column in get_args(ErrorColumn)]
    return [[LABELS[each.column], _value(each), each.num_reports] for each in found]


def _value(found: RankCorrelation) -> float | None:
    if found.value is None or found.num_reports < FEWEST:
        return None
    return round(found.value, 2) + 0.0  # no negative zero


def _point(row: Row) -> Point:
    return Point(label=named(row), x=magnitude(row), y=row[SQNR])
