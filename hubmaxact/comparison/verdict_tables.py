"""Will it fit? The card's verdicts on each release, one below the other for each format."""

from collections.abc import Iterator
from typing import NamedTuple

from hubmaxact.comparison.comparison import Comparison, VerdictCell
from hubmaxact.comparison.table import Name, Table
from hubmaxact.rendering.fit.verdict import where
from hubmaxact.rendering.fit.verdicts import NOTE
from hubmaxact.rendering.summary import QUESTION

HEAD = ("format", "report", "verdict", "because")


class Line(NamedTuple):
    """What reports say alike of a format, or of several.

    Attributes:
        titles: The formats.
        columns: The reports.
        cell: What they say.
    """

    titles: tuple[str, ...]
    columns: tuple[str, ...]
    cell: VerdictCell


def verdicts(comparison: Comparison, name: Name, reason: Name) -> Table:
    """Each format's verdicts: the word, its number, its condition and its module.

    Args:
        comparison: Of any reports.
        name: Makes a module's name fit for where the words stand.
        reason: Makes a condition, in which a report's reason may stand, fit for the same place.

    Returns:
        Rows in which reports that say the same stand together, and at the end the formats that were
        not measured.
    """
    rows, above = [], ""
    for line in _lines(comparison):
        title = ", ".join(line.titles)
        columns, said = ", ".join(line.columns), _because(line.cell, name, reason)
        rows.append((title if title != above else "", columns, line.cell.word, said))
        above = title
    note = NOTE if _has_errors(comparison) else ""
    return Table(
        caption=QUESTION, head=HEAD, rows=tuple(rows), note=note, numeric=False, sentences=True
    )


def _because(cell: VerdictCell, name: Name, reason: Name) -> str:
    module = where(name(cell.module), cell.lowest_db) if cell.module else None
    condition = reason(cell.condition) if cell.condition else None
    return "; ".join(filter(None, (cell.number, condition, module)))


def _lines(comparison: Comparison) -> Iterator[Line]:
    """Yield the lines with a number; then those without, whose formats stand together."""
    lines = list(_by_format(comparison))
    yield from (line for line in lines if line.cell.number)
    others: dict[tuple[tuple[str, ...], VerdictCell], list[str]] = {}
    for line in lines:
        if not line.cell.number:
            others.setdefault((line.columns, line.cell), []).extend(line.titles)
    for (columns, cell), titles in others.items():
        yield Line(tuple(titles), columns, cell)


def _by_format(comparison: Comparison) -> Iterator[Line]:
    for row in comparison.verdicts:
        alike: dict[VerdictCell, list[str]] = {}
        for entry, cell in zip(comparison.reports, row.cells, strict=True):
            alike.setdefault(cell, []).append(entry.column)
        for cell, columns in alike.items():
            yield Line((row.title,), tuple(columns), cell)


def _has_errors(comparison: Comparison) -> bool:
    """Whether some report measured what the words of errors and losses are about."""
    cells = (cell for row in comparison.rounding for cell in row.cells)
    return any(cell and cell["sqnr_db"] is not None for cell in cells)
