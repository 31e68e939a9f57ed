"""Per-layer maxima as characters: columns on a log axis, two rows for each decade.

Pure: values in, styled pieces of lines out. Layers that do not fit share a column, which then
shows the largest of them.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from hubmaxact.formats import FP16_LIMIT

EIGHTHS = " \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
ROWS_PER_DECADE = 2
MOST_DECADES = 7
MOST_COLUMNS = 64
WIDEST_COLUMN = 6
STEPS = (1, 2, 4, 5, 10)  # columns between two numbers below the axis
GUTTER = 8  # characters for the numbers on the left

Piece = tuple[str, str]
"""Text and its style."""


class Glyphs(NamedTuple):
    """The characters of a chart; the plain ones work on any console."""

    fills: str  # from empty to full
    limit: str
    axis: str


BLOCKS = Glyphs(EIGHTHS, "\u254c", "\u2500")
PLAIN = Glyphs(" .:#", "-", "=")


class Column(NamedTuple):
    """What one column shows: its first layer and the largest of its values."""

    layer: int
    value: float | None


def chart(values: Sequence[float | None], *, plain: bool) -> list[list[Piece]]:
    """Return the lines of a chart of per-layer maxima, None where nothing was seen.

    `plain` keeps to ASCII.
    """
    glyphs = PLAIN if plain else BLOCKS
    columns = _columns(values)
    width = max(1, min(WIDEST_COLUMN, MOST_COLUMNS // len(columns)))
    low, high = _decades([c.value for c in columns if c.value])
    lines = []
    for row in reversed(range((high - low) * ROWS_PER_DECADE)):
        floor = low + row / ROWS_PER_DECADE
        pieces = [_cell(column, floor, width, glyphs) for column in columns]
        lines.append([_number(floor), *pieces, *_limit_name(floor)])
    return [*lines, *_axis(columns, width, glyphs)]


def _columns(values: Sequence[float | None]) -> list[Column]:
    share = math.ceil(len(values) / MOST_COLUMNS)
    columns = []
    for first in range(0, len(values), share):
        seen = [value for value in values[first : first + share] if value is not None]
        columns.append(Column(first, max(seen, default=None)))
    return columns


def _decades(values: list[float]) -> tuple[int, int]:
    """The exponents of ten at the bottom and at the top; the limit of fp16 is always inside."""
    high = math.ceil(math.log10(max([*values, FP16_LIMIT])) + 1e-9)
    low = math.floor(math.log10(min(values, default=1.0)))
    return max(min(low, high - 2), high - MOST_DECADES), high


def _cell(column: Column, floor: float, width: int, glyphs: Glyphs) -> Piece:
    """One column's part of one row, a space apart from the next where there is room."""
    steps = len(glyphs.fills) - 1
    level = 0
    if column.value:
        share = (math.log10(column.value) - floor) * ROWS_PER_DECADE
        level = min(max(round(share * steps), 0), steps)
    over = column.value is not None and column.value > FP16_LIMIT
    if level == 0 and _holds_limit(floor):
        return glyphs.limit * width, "dim"
    body = width - 1 if width > 1 else width
    return glyphs.fills[level] * body + " " * (width - body), "red" if over else "cyan"


def _holds_limit(floor: float) -> bool:
    return floor <= math.log10(FP16_LIMIT) < floor + 1 / ROWS_PER_DECADE


def _limit_name(floor: float) -> list[Piece]:
    return [(" fp16", "dim")] if _holds_limit(floor) else []


def _number(floor: float) -> Piece:
    """The decade a row begins; blank in the rows between."""
    if not floor.is_integer():
        return " " * GUTTER, ""
    power = 10.0**floor
    text = f"{power:,.0f}" if 1 <= power < 1e6 else f"{power:g}"
    return f"{text:>{GUTTER - 1}} ", "dim"


def _axis(columns: Sequence[Column], width: int, glyphs: Glyphs) -> list[list[Piece]]:
    """A line, broken where nothing was seen, and the layers below it."""
    line = "".join((" " if c.value is None else glyphs.axis) * width for c in columns)
    room = len(str(columns[-1].layer)) + 2
    step = next(step for step in STEPS if step * width >= room)
    numbers = "".join(f"{column.layer:<{step * width}}" for column in columns[::step])
    gutter = " " * GUTTER
    return [[(gutter, ""), (line, "dim")], [(gutter, ""), (f"{numbers.rstrip()}  layer", "dim")]]
