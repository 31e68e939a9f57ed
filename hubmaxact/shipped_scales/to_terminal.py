"""An audit on the terminal: how many scales of each verdict, and those that somebody should see."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from hubmaxact.printable import LONGEST_PATH, counted, printable
from hubmaxact.rendering import numbers
from hubmaxact.shipped_scales.audit import Audit
from hubmaxact.shipped_scales.row import Row
from hubmaxact.shipped_scales.verdicts import GRAVITY, VERDICTS

if TYPE_CHECKING:
    from rich.console import Console

KINDS = {"input": "inputs", "key": "keys", "value": "values", "query": "queries"}
TOLD = {verdict.name for verdict in VERDICTS if verdict.is_told}
TITLES = {verdict.name: verdict.title for verdict in VERDICTS}
VERDICT = "verdict"
MOST_SHOWN = 30
MOST_REASONS = 12


def show(found: Audit, console: "Console") -> None:
    """Print an audit for a person.

    Args:
        found: The audit.
        console: Of any width.
    """
    method = f" ({printable(found.method)})" if found.method else ""
    scales = counted(len(found.rows), "static scale")
    _say(console, f"{found.checkpoint}{method}: {scales}.", style="bold")
    _say(console, *found.notes)
    if not found.rows:
        return
    _show(console, (VERDICT, *KINDS.values()), _counts(found.rows))
    told = sorted((row for row in found.rows if row.verdict in TOLD), key=_gravity)
    if told:
        head = ("scale of", "stands for", "measured", "times", "clipped", VERDICT)
        _show(console, head, map(_cells, told[:MOST_SHOWN]))
    if len(told) > MOST_SHOWN:
        _say(console, f"{len(told) - MOST_SHOWN:,} more; --format json has all.", style="dim")
    _say(console, *_reasons(found.rows))


def _counts(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    counts = Counter((row.verdict, row.kind) for row in rows)
    table = []
    for verdict in VERDICTS:
        of_kinds = [counts[verdict.name, kind] for kind in KINDS]
        if any(of_kinds):
            table.append((verdict.title, *(f"{n:,}" if n else "" for n in of_kinds)))
    return table


def _gravity(row: Row) -> tuple[int, float]:
    return GRAVITY[row.verdict], -(row.ratio or 0.0)


def _cells(row: Row) -> tuple[str, ...]:
    element = "" if row.element is None else f"[{row.element}]"
    name = f"{row.kind} of {printable(row.module, LONGEST_PATH)}{element}"
    reaches = row.in_kernel or row.representable
    times = "" if not reaches or row.measured is None else f"{row.measured / reaches:.3g}"
    share = _share(row.clipped_share) if row.ratio is not None and row.ratio > 1 else ""
    return name, _value(reaches), _value(row.measured), times, share, TITLES[row.verdict]


def _share(bounds: tuple[float, float] | None) -> str:
    """How many values are clipped, as far as a report tells."""
    if bounds is None:
        return ""
    least, most = map(numbers.percent, bounds)
    if not bounds[0]:
        return f"under {most.removeprefix('under ')}"
    return f"over {least}" if bounds[1] == 1 else f"{least} to {most}"


def _reasons(rows: Iterable[Row]) -> list[str]:
    """Each reason once, the gravest verdicts first, and for how many scales it holds."""
    counts = Counter((row.verdict, row.detail) for row in rows if row.detail)
    ordered = sorted(counts, key=lambda each: (GRAVITY[each[0]], -counts[each], each[1]))
    said = [
        f"{TITLES[verdict]} ({counts[verdict, detail]:,}): {detail}." for verdict, detail in ordered
    ]
    return ["", *(f"{line[0].upper()}{line[1:]}" for line in said[:MOST_REASONS])] if said else []


def _value(number: float | None) -> str:
    return "" if number is None else numbers.value(number)


def _show(console: "Console", head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for position, name in enumerate(head):
        is_text = position == 0 or name == VERDICT
        table.add_column(Text(name), justify="left" if is_text else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print()
    console.print(table, highlight=False)


def _say(console: "Console", *lines: str, style: str | None = None) -> None:
    for line in lines:
        console.print(line, style=style, markup=False, highlight=False, emoji=False)
