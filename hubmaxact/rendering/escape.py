"""Strangers' text made inert: in Markdown, in HTML and on a command line.

Nothing here trusts the schema: what it forbids is made harmless all the same.
"""

import html
import re
import shlex
import unicodedata

from hubmaxact.printable import printable

LONGEST = 256

# Numeric entities are text to Markdown and to HTML alike; backslashes would show inside HTML.
ACTIVE = re.compile(r"[^A-Za-z0-9 .,/+-]")
# GitHub's Markdown makes links of what looks like an address or calls somebody by name, in spite of
# entities; nobody looks for either across a comment, which is not shown.
LIKE_A_LINK = re.compile(r"(@(?=\S)|:(?=//)|www(?=\.))", re.IGNORECASE)
BREAK = "<!-- -->"
PLAIN = re.compile(r"[A-Za-z0-9_./+@:=-]+")
ON_A_COMMAND_LINE = frozenset("_./+@:=,%#()!~ -")
LETTERS = "LMN"  # with marks and digits, of any script: Unicode's categories begin so


def text(value: str) -> str:
    """Escape text for a Markdown line or table cell, or between HTML tags."""
    pieces = LIKE_A_LINK.split(printable(value, LONGEST))  # words and such, by turns
    return "".join(
        ACTIVE.sub(lambda match: f"&#{ord(match.group())};", piece) + BREAK * (number % 2)
        for number, piece in enumerate(pieces)
    )


def code(value: str) -> str:
    """Escape a name and show it as code where Markdown cannot be led astray by it."""
    return f"`{value}`" if PLAIN.fullmatch(value) and len(value) <= LONGEST else text(value)


def word(value: str) -> str:
    """Quote one word of a shell command that stands in a fenced block."""
    return shlex.quote("".join(c if _is_safe(c) else "?" for c in value[:LONGEST]))


def is_safe(value: str) -> bool:
    """Whether `word` leaves every character of a value as it is."""
    return len(value) <= LONGEST and all(map(_is_safe, value))


def _is_safe(character: str) -> bool:
    return character in ON_A_COMMAND_LINE or unicodedata.category(character)[0] in LETTERS


def xml(value: str) -> str:
    """Escape text for an SVG element or attribute."""
    return html.escape(printable(value, LONGEST), quote=True)
