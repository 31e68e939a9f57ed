"""A report on the terminal: the headline, tables by role and of verdicts, a picture by layer.

Fits 80 columns; works without colour and on consoles that know only ASCII.
"""

from typing import TYPE_CHECKING

from hubmaxact.formats import INT8_LABEL
from hubmaxact.printable import printable
from hubmaxact.rendering import (
    certainty_words,
    checkpoint_words,
    deployed_words,
    end_to_end_words,
    numbers,
    words,
)
from hubmaxact.rendering.fit.advice import advice
from hubmaxact.rendering.fit.levels import Standing
from hubmaxact.rendering.fit.measured import has_errors
from hubmaxact.rendering.fit.verdicts import closed_up, verdicts
from hubmaxact.rendering.terminal_chart import chart
from hubmaxact.report.document import Report
from hubmaxact.report.roles import ROLE_BY_NAME
from hubmaxact.report.summaries import per_layer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

TITLE_WIDTH = 18  # characters
STYLES: dict[Standing, str] = {
    "within": "green",
    "near": "yellow",
    "beyond": "red",
    "unknown": "dim",
}
"""How a verdict is coloured, where there is colour."""


def show(report: Report, console: "Console") -> None:
    """Print what a report says, for the person who has just measured."""
    _say(console, words.sentence(report, printable, strong=str), style="bold")
    if report["global_max"] is not None:
        _say(console, *_peak(report))
    for head, said in checkpoint_words.facts(report, printable):
        _say(console, f"{head}: {said}.")
    console.print()
    if report["max_by_role"]:
        _show_table(console, _roles(report))
    _show_table(console, _verdicts(report))
    for head, said in advice(report, printable):
        _say(console, f"{head}: {said}")
    if (logits := deployed_words.attention_logit(report, printable)) is not None:
        _say(console, f"Attention logits: {logits}.")
    if (read := deployed_words.linear_input(report, printable)) is not None:
        _say(console, f"Largest linear input: {read}.")
    if said := " ".join(certainty_words.sentences(report, printable)):
        _say(console, f"How sure M is: {said}")
    if not has_errors(report):
        _say(console, f"INT8 ({INT8_LABEL}): {words.int8(report, printable)}.")
    _show_losses(report, console)
    _show_chart(report, console)


def _peak(report: Report) -> list[str]:
    peak = report["global_max"]
    assert peak is not None
    step = f"One bf16 step there is {numbers.value(peak['bf16_step'])}."
    said = (_sentence(words.place(peak, printable)), words.signed(peak), step)
    where = " ".join(filter(None, said))
    return [line for line in (where, words.ties(peak)) if line]


def _roles(report: Report) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("role", no_wrap=True)
    table.add_column("largest", justify="right", no_wrap=True)
    table.add_column("layer", justify="right", no_wrap=True)
    table.add_column("module", overflow="ellipsis", no_wrap=True)
    for name, row in report["max_by_role"].items():
        layer = "" if row["layer"] is None else str(row["layer"])
        value = numbers.value(abs(row["value"]))
        table.add_row(ROLE_BY_NAME[name].title, value, layer, printable(row["module"]))
    return table


def _verdicts(report: Report) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("will it fit?", width=TITLE_WIDTH)
    table.add_column("verdict", no_wrap=True)
    table.add_column("", ratio=1)
    for found in closed_up(verdicts(report, printable)):
        said = "; ".join(filter(None, (found.number, found.condition, found.where)))
        style = STYLES[found.standing]
        table.add_row(Text(found.title), Text(found.word, style=style), Text(said))
    return table


def _show_losses(report: Report, console: "Console") -> None:
    """What rounding does to the loss, if that was asked for."""
    from rich.table import Table

    said = end_to_end_words.heading(report)
    if said is None:
        return
    console.print()
    _say(console, f"{said[0].upper()}{said[1:]}:")
    table = Table(box=None, pad_edge=False, header_style="dim")
    name, *rest = end_to_end_words.HEAD
    table.add_column(name, overflow="fold")
    for column in rest:
        table.add_column(column, justify="right", no_wrap=True)
    for row in end_to_end_words.cells(report):
        table.add_row(*row)
    _show_table(console, table)
    for note in end_to_end_words.notes(report, printable):
        _say(console, note)


def _show_table(console: "Console", table: "Table") -> None:
    console.print(table, markup=False, highlight=False)
    console.print()


def _show_chart(report: Report, console: "Console") -> None:
    from rich.text import Text

    values = per_layer(report, "hidden_state")
    if not any(values):
        return
    console.print()
    _say(console, "Largest |activation| of each hidden state:")
    for line in chart(values, plain=console.options.ascii_only):
        console.print(Text.assemble(*line), no_wrap=True, overflow="crop", highlight=False)


def _say(console: "Console", *lines: str, style: str | None = None) -> None:
    for line in lines:
        console.print(line, style=style, markup=False, highlight=False)


def _sentence(said: str) -> str:
    return f"{said[0].upper()}{said[1:]}." if said.startswith("the ") else f"At {said}."
