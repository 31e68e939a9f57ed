"""A comparison on the terminal: fits its width, works without colour and in plain ASCII."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hubmaxact.comparison import (
    certainty_table,
    deployed_tables,
    sentences,
    tables,
    verdict_tables,
)
from hubmaxact.comparison.comparison import Comparison
from hubmaxact.comparison.table import Table
from hubmaxact.printable import printable
from hubmaxact.report.labels import LONGEST_LABEL

if TYPE_CHECKING:
    from rich.console import Console

GAP = 2  # columns between two columns
TITLE_WIDTH, WORD_WIDTH = 18, 14  # where sentences stand beside
LONGEST_REASON = 256


def show(comparison: Comparison, console: "Console") -> None:
    """Print the comparison for a person; layers are those of the residual stream."""
    for entry in comparison.reports:
        _say(console, f"{entry.column}  {printable(entry.label, LONGEST_LABEL)}", style="bold")
        _say(console, sentences.peak(entry, printable))
    console.print()
    _say(console, sentences.measured(comparison))
    # What protocols hold comes printable, and cut no shorter than it needs to be.
    _show(console, tables.protocol(comparison, str))
    for each in comparison.changes:
        _say(console, "", f"From {each.before} to {each.after}", style="bold")
        _say(console, sentences.changed(comparison, each, printable))
        _show(console, sentences.movers(each, printable))
    _show(console, verdict_tables.verdicts(comparison, printable, _reason))
    _show(console, tables.by_role(comparison))
    _show(console, certainty_table.certainty(comparison, _reason))
    _show(console, deployed_tables.kv(comparison))
    _show(console, tables.dtype_headroom(comparison))
    _show(console, deployed_tables.end_to_end(comparison))
    _show(console, deployed_tables.rounding(comparison, printable))
    _show(console, tables.int8(comparison, printable))
    for content in _residual_stream(comparison):
        _show(console, content)


def _residual_stream(comparison: Comparison) -> Iterator[Table]:
    series = comparison.by_layer.series
    for each, content in zip(series, tables.by_layer(comparison), strict=True):
        if each.role == "hidden_state":
            yield content


def _show(console: "Console", content: Table | None) -> None:
    """Print a table in as many pieces as the width needs, each with the first column."""
    if content is None:
        return
    _say(console, "", content.caption, style="bold")
    for columns in _pieces(content, console.width):
        _print(console, content, columns)
    if content.note:
        _say(console, content.note, style="dim")


def _print(console: "Console", content: Table, columns: list[int]) -> None:
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        head, right = Text(content.head[column]), bool(column) and content.numeric
        most = _most(content, column)
        grid.add_column(head, justify="right" if right else "left", overflow="fold", max_width=most)
    for row in content.rows:
        grid.add_row(*(Text(row[column]) for column in columns))
    console.print(grid, highlight=False)


def _most(content: Table, column: int) -> int | None:
    """How wide a column may be; None: as wide as it needs to be, or as there is room for."""
    if not content.sentences or column == len(content.head) - 1:
        return None
    return WORD_WIDTH if column else TITLE_WIDTH


def _pieces(content: Table, width: int) -> Iterator[list[int]]:
    """Yield the first column and those that fit beside it, again and again; all with sentences."""
    if content.sentences:
        yield list(range(len(content.head)))
        return
    widths = [max(map(len, column)) for column in zip(content.head, *content.rows, strict=True)]
    piece, used = [0], widths[0]
    for column in range(1, len(widths)):
        if len(piece) > 1 and used + GAP + widths[column] > width:
            yield piece
            piece, used = [0], widths[0]
        piece.append(column)
        used += GAP + widths[column]
    yield piece


def _reason(text: str) -> str:
    return printable(text, LONGEST_REASON)


def _say(console: "Console", *lines: str, style: str | None = None) -> None:
    for line in lines:
        console.print(line, style=style, markup=False, highlight=False, emoji=False)
