"""A table of words, and the columns that all of them have."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hubmaxact.comparison.comparison import Comparison
from hubmaxact.rendering import numbers
from hubmaxact.report.summaries import ratio

Name = Callable[[str], str]

NONE = "-"
UP_TO_TWICE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Words in rows; the first column names the row."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    numeric: bool = True  # columns after the first are numbers
    sentences: bool = False  # the last column is as long as it likes


def change(quotient: float | None) -> str:
    """A ratio of two magnitudes as what happened: +3.1 %, -50 %, 3.2 times, to 1.2 %, unchanged."""
    if quotient is None:
        return NONE
    if quotient == 1:
        return "unchanged"
    if quotient >= UP_TO_TWICE:
        return numbers.ratio(quotient)
    if quotient < 1 / UP_TO_TWICE:
        return f"to {numbers.percent(quotient)}"
    return f"{100 * (quotient - 1):+.3g} %"


def head_of(first: str, comparison: Comparison) -> tuple[str, ...]:
    """Name the columns: what a row is, each report, each pair of releases of one model."""
    pairs = (f"{each.before} to {each.after}" for each in comparison.changes)
    return first, *(entry.column for entry in comparison.reports), *pairs


def changes_of(comparison: Comparison, values: Sequence[float | None]) -> Iterator[str]:
    """One cell for each pair of releases of a model."""
    at = {entry.column: value for entry, value in zip(comparison.reports, values, strict=True)}
    for each in comparison.changes:
        yield change(ratio(at[each.before], at[each.after]))
