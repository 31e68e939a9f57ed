"""What every picture begins with: its size, what it is called, its ground and its heading.

Self-contained: no script, no font and no reference outside; light and dark by the reader's
colour scheme, on a ground of its own because an embedded picture cannot see the page's. The same
report gives the same bytes.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from hubmaxact.printable import printable
from hubmaxact.rendering import escape
from hubmaxact.rendering.escape import xml
from hubmaxact.rendering.picture.colours import TYPE, look
from hubmaxact.report.document import Report

MARGIN = 24
NAME_LETTER, FACTS_LETTER = 10.85, 7.23  # pixels of an `a`, and some air, in titles and in notes


class Size(NamedTuple):
    """Of a picture in its own units, and how much larger it is shown where there is room."""

    width: int
    height: int
    scale: float = 1.0


def opening(title: str, said: str, size: Size) -> Iterator[str]:
    """Yield the root element, title and description.

    Args:
        title: What the picture is called.
        said: What it shows: its alt text.
        size: Of the whole picture.

    Yields:
        Lines, the style sheet to follow.
    """
    wide, high = round(size.width * size.scale), round(size.height * size.scale)
    box = f'viewBox="0 0 {size.width} {size.height}" width="{wide}" height="{high}"'
    role = 'role="img" aria-labelledby="title desc"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {box} {role} {TYPE}>'
    yield f'<title id="title">{xml(title)}</title>'
    yield f'<desc id="desc">{xml(said)}</desc>'


def heading(title: str, facts: str, size: Size) -> Iterator[str]:
    """Yield the ground, and two lines that are cut where they would leave it.

    Args:
        title: The larger line.
        facts: The smaller one below it.
        size: Of the whole picture.

    Yields:
        Three elements.
    """
    box = f'width="{size.width - 1}" height="{size.height - 1}"'
    yield f'<rect {look("ground")} x="0.5" y="0.5" {box} rx="8"/>'
    room = size.width - 2 * MARGIN
    above, below = _fitted(title, room / NAME_LETTER), _fitted(facts, room / FACTS_LETTER)
    yield f'<text {look("title")} x="{MARGIN}" y="34">{xml(above)}</text>'
    yield f'<text {look("note")} x="{MARGIN}" y="56">{xml(below)}</text>'


def name(report: Report) -> str:
    """What a report's model is called."""
    return report["model"]["id"] or f"a {report['model']['model_type']} checkpoint"


def _fitted(text: str, widest: float) -> str:
    """The text, cut where it would leave the picture; what is written out counts as that."""
    shown = printable(text, escape.LONGEST)
    reached = list(accumulate(map(_width, shown)))
    return shown if reached[-1] <= widest else f"{shown[: bisect_right(reached, widest)]}..."


def _width(letter: str) -> float:
    """About how much wider than an `a` a letter is; no font is known for certain."""
    if unicodedata.east_asian_width(letter) in "FW" or letter in "WM@%mw":
        return 1.75
    return 1.0 if letter.isascii() and not letter.isupper() else 1.35
