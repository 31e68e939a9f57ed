"""Strangers' text as a page may hold it: nothing that hides, turns or runs away with what follows.

Knows nothing of HTML: the page sets text, and never markup.
"""

import hashlib

from hubmaxact.printable import printable

LONGEST_CELL = 160
LONGEST_SENTENCE = 2000
LONGEST_VALUE = 100
"""Characters of a facet's value, which is also part of the page's address."""

DIGEST_DIGITS = 12


def shown(text: str, longest: int = LONGEST_CELL) -> str:
    """The text with control and bidirectional characters as code points, cut when very long."""
    if len(text) <= longest and text.isascii() and text.isprintable():
        return text
    return printable(text, longest)


def value_of(text: str) -> str:
    """A text as a facet's value: equal but for case gives equal values, different ones differ."""
    lowered = text.lower()
    value = shown(lowered, max(len(lowered), 1))
    if len(value) <= LONGEST_VALUE:
        return value
    digest = hashlib.sha256(lowered.encode()).hexdigest()[:DIGEST_DIGITS]
    return f"{value[: LONGEST_VALUE - DIGEST_DIGITS - 1]}~{digest}"


def collated(text: str) -> bytes:
    """A key that orders text as JavaScript's `<` does: by UTF-16 code units."""
    return text.encode("utf-16-be", "surrogatepass")
