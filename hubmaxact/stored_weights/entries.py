"""Entries of a declaration, whoever wrote it: of the kind that is asked for, or refused by name."""

from collections.abc import Collection, Mapping
from typing import Any

from hubmaxact.printable import printable, shown
from hubmaxact.stored_weights.unknown import UnknownStorageError

Said = Mapping[str, Any]
"""A JSON object; its values may be anything."""

LARGEST_SIZE = 1 << 30
"""More columns than any weight has."""


def an_object(found: object) -> Said:
    """Return an object as it is, and anything else as one that says nothing."""
    return found if isinstance(found, dict) else {}


def text(said: Said, key: str) -> str | None:
    """Return a word. None: none is there, or something else is."""
    found = said.get(key)
    return found if isinstance(found, str) and found else None


def size(said: Said, key: str, method: str) -> int | None:
    """Return a number of rows or columns.

    Args:
        said: The declaration.
        key: Which.
        method: How a refusal calls the method.

    Returns:
        From 1. None: nothing or -1 stands there.

    Raises:
        UnknownStorageError: Something else does.
    """
    found = said.get(key)
    if found is None or (type(found) is int and found == -1):
        return None
    if type(found) is not int or not 0 < found <= LARGEST_SIZE:
        raise UnknownStorageError(f"{method} with {key} {shown(found)}")
    return found


def sides(said: Said, key: str, method: str) -> tuple[int, int] | None:
    """Return rows and columns of a block.

    Args:
        said: The declaration.
        key: Which entry: an array of two, or as older tools wrote it, "128x128".
        method: How a refusal calls the method.

    Returns:
        Two numbers from 1. None: nothing stands there.

    Raises:
        UnknownStorageError: Something else does.
    """
    found = said.get(key)
    if found is None:
        return None
    parts = found.split("x") if isinstance(found, str) and len(found) < 30 else found
    if isinstance(parts, list) and len(parts) == 2:
        high, wide = (int(p) if isinstance(p, str) and p.isdecimal() else p for p in parts)
        if (
            type(high) is type(wide) is int
            and min(high, wide) > 0
            and max(high, wide) <= LARGEST_SIZE
        ):
            return high, wide
    raise UnknownStorageError(f"{method} with {key} {shown(found)}")


def one_of(found: object, known: Collection[Any], words: str) -> None:
    """Refuse a value that is none of the known ones.

    Args:
        found: Anything.
        known: All that will do; bools are no numbers.
        words: What is refused, with {} for the value.

    Raises:
        UnknownStorageError: It is another.
    """
    if not any(type(found) is type(each) and found == each for each in known):
        raise UnknownStorageError(words.format(said_briefly(found)))


def said_briefly(found: object) -> str:
    """A value in a phrase: words without quotes, nothing as "no"."""
    if isinstance(found, str):
        return printable(found, 40)
    return "no" if found is None else shown(found)
