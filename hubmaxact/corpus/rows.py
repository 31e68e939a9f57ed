"""From one row of somebody's file to a `Text`, or to the sentence that says what is wrong.

Knows what a row must hold; knows no file format.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any

from hubmaxact.corpus.texts import Text
from hubmaxact.errors import CorpusError
from hubmaxact.printable import printable

UNSPECIFIED = "unspecified"
"""The domain of a row that names none."""

MOST_KEYS = 12
MOST_DIGITS = 18  # of a whole number that is read as one; ids have far fewer
ADVICE = "write one JSON object a line"
MAX_DOMAIN_CHARACTERS = 64
MAX_DOMAINS = 256
"""More different domains than this would make a report a list of domains."""

Row = dict[str, Any]

# C0 and C1 controls, line and paragraph separators, and the marks that turn text around:
# a domain is printed in tables and model cards.
CONTROLS = frozenset(
    map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x2028, 0x202F), 0xFEFF])
) | frozenset(map(chr, range(0x2066, 0x206A)))


def parse(line: str, where: str) -> Row:
    """Read one JSON object.

    Args:
        line: One line of a file, whoever wrote it.
        where: Its place, for the message, such as "texts.jsonl line 3".

    Returns:
        The object; its keys are distinct.

    Raises:
        CorpusError: It is not JSON, not an object, holds NaN or infinity, or a key twice.
    """
    try:
        row = json.loads(
            line,
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_constant,
            parse_int=_whole,
        )
    except json.JSONDecodeError as error:
        raise CorpusError(
            f"{where}: not JSON ({error.msg}, column {error.colno}); {ADVICE}."
        ) from error
    except ValueError as error:
        raise CorpusError(f"{where}: {error}.") from error
    except RecursionError as error:
        raise CorpusError(f"{where}: nested too deeply; write a flat object.") from error
    if not isinstance(row, dict):
        raise CorpusError(f"{where}: expected a JSON object, found {_kind(row)}; {ADVICE}.")
    return row


def _no_duplicates(pairs: list[tuple[str, Any]]) -> Row:
    row: Row = {}
    for key, value in pairs:
        if key in row:
            raise ValueError(f"the key {key[:40]!r} appears twice; keep one of them")
        row[key] = value
    return row


def _whole(digits: str) -> int | float:
    """A number of thousands of digits, which Python refuses to read as whole, harms no text."""
    return int(digits) if len(digits) <= MOST_DIGITS else float(digits)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON; write a number or null")


def to_text(row: Row, where: str) -> Text:
    """Take `text` and the optional `domain`; other keys are ignored.

    Args:
        row: One object of a file.
        where: Its place, for the message, such as "texts.jsonl line 3".

    Returns:
        A text that is not empty, and its domain.

    Raises:
        CorpusError: One of the two is not what it should be.
    """
    if "text" not in row:
        raise CorpusError(f'{where}: no "text"; {what_else(row)}')
    text = row["text"]
    if not isinstance(text, str):
        raise CorpusError(f'{where}: "text" must be a string, found {_kind(text)}.')
    if text == "":
        raise CorpusError(f'{where}: "text" is empty; remove the line or fill it.')
    _check_unicode(text, "text", where)
    return Text(text, domain_of(row, "domain", where))


def what_else(keys: Collection[object]) -> str:
    """Say which keys there are where "text" is missing, and what to do about it.

    Args:
        keys: A row's keys or a table's columns, whoever chose them.

    Returns:
        The end of a sentence.
    """
    names = [f'"{printable(str(key), 40)}"' for key in islice(keys, MOST_KEYS)]
    if not names:
        return 'nor any other key; write {"text": "..."}.'
    more = ", ..." if len(keys) > MOST_KEYS else ""
    found = f"found {', '.join(names)}{more}"
    return f'{found}. Rename the one that holds the text (a string) to "text".'


def domain_of(row: Row, key: str, where: str) -> str:
    """Take the domain under `key`; a row without one is `unspecified`.

    Args:
        row: One object of a file.
        key: What the file calls the domain.
        where: Its place, for the message, such as "texts.jsonl line 3".

    Returns:
        1 to 64 characters, none of them a control character.

    Raises:
        CorpusError: It is not a short printable string.
    """
    domain = row.get(key)
    if domain is None:
        return UNSPECIFIED
    if not isinstance(domain, str):
        raise CorpusError(f'{where}: "{key}" must be a string, found {_kind(domain)}.')
    if not 1 <= len(domain) <= MAX_DOMAIN_CHARACTERS:
        raise CorpusError(
            f'{where}: "{key}" has {len(domain)} characters; '
            f"use 1 to {MAX_DOMAIN_CHARACTERS}, or leave it out."
        )
    if CONTROLS.intersection(domain):
        raise CorpusError(f'{where}: "{key}" holds a control character; remove it.')
    _check_unicode(domain, key, where)
    return domain


def check_name(name: str) -> None:
    """Refuse a name that a report cannot carry.

    Args:
        name: What the corpus would be called.

    Raises:
        CorpusError: It holds control characters or is no Unicode.
    """
    # Bytes of a file name that are not UTF-8 arrive as surrogates.
    if CONTROLS.intersection(name) or any("\ud800" <= letter <= "\udfff" for letter in name):
        raise CorpusError(f"the file name {name!a} cannot stand in a report; rename the file.")


def _check_unicode(value: str, key: str, where: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CorpusError(
            f'{where}: "{key}" holds half a surrogate pair at character {error.start}; '
            "write the whole character."
        ) from error


def check_domains(texts: Iterable[Text], name: str) -> Iterator[Text]:
    """Pass texts on while they keep to a reportable number of domains.

    Args:
        texts: Texts of one corpus.
        name: The corpus's, for the message.

    Yields:
        The same texts.

    Raises:
        CorpusError: There are too many domains.
    """
    seen: set[str] = set()
    for text in texts:
        seen.add(text.domain)
        if len(seen) > MAX_DOMAINS:
            raise CorpusError(
                f"{name} has more than {MAX_DOMAINS} different domains; use fewer, or none."
            )
        yield text


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", str: "a string", list: "an array", dict: "an object"}
    return names.get(type(value), "a number")
