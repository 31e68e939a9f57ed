"""JSON from strangers: strict, in bounded time and memory, with the place of what is wrong.

Stricter than the json module: no NaN, no infinity by overflow, no repeated key, no integer
beyond 2^53, no lone surrogate, bounded size, depth and number of values. Knows nothing of
what a report holds.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator

from hubmaxact.errors import ReportError
from hubmaxact.printable import counted, printable
from hubmaxact.report.document import MAX_REPORT_BYTES

MAX_DEPTH = 32
MAX_VALUES = 131_072
LARGEST_INTEGER = 2**53
LONGEST_NUMBER = 400  # characters; repr of a float64 never needs more than 24

WHOLE = "the document"

# An escape is one landmark, so that \" does not end a string.
LANDMARK = re.compile(r'\\.|["\[\]{}]|NaN|Infinity', re.DOTALL)
ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class _Refused:
    """Stands where a value was that JSON allows and we do not, until its path is known."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class _Hooks:
    """What the parser asks about every number and object."""

    def __init__(self) -> None:
        self.refused = False

    def refuse(self, reason: str) -> _Refused:
        self.refused = True
        return _Refused(reason)

    def number(self, literal: str) -> object:
        if len(literal) > LONGEST_NUMBER:
            return self.refuse(f"a number of {counted(len(literal), 'character')}")
        value = float(literal)
        return value if math.isfinite(value) else self.refuse(f"{literal} is not finite")

    def integer(self, literal: str) -> object:
        if len(literal) <= len("-9007199254740992") and abs(int(literal)) < LARGEST_INTEGER:
            return int(literal)
        return self.refuse(f"{printable(literal, 40)} is beyond 2^53, where readers disagree")

    def members(self, pairs: list[tuple[str, object]]) -> object:
        document = dict(pairs)
        if len(document) == len(pairs):
            return document
        ((name, _),) = Counter(name for name, _ in pairs).most_common(1)
        return self.refuse(f'the key "{printable(name)}" stands twice in one object')


def load(content: bytes) -> object:
    """Parse one JSON document.

    Args:
        content: Anybody's bytes; more than 2 MiB are refused.

    Returns:
        The document, with finite numbers and no key twice.

    Raises:
        ReportError: It is too large, not UTF-8, not JSON, or JSON that readers disagree about.
    """
    if len(content) > MAX_REPORT_BYTES:
        raise ReportError(f"larger than {MAX_REPORT_BYTES:,} bytes; a report is far smaller")
    text = _decoded(content)
    _check_shape(text)
    hooks = _Hooks()
    try:
        document: object = json.loads(
            text,
            object_pairs_hook=hooks.members,
            parse_float=hooks.number,
            parse_int=hooks.integer,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ReportError(f"not JSON at {place}: {error.msg}") from None
    if hooks.refused or ESCAPED_SURROGATE.search(text):
        _explain(document)
    return document


def _decoded(content: bytes) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ReportError(f"not UTF-8: a stray byte at line {line}") from None
    if text.startswith("\ufeff"):
        raise ReportError("begins with a byte order mark; save it as UTF-8 without one")
    return text


def _check_shape(text: str) -> None:
    """Refuse depth, number of values and bare words before the parser meets them."""
    if text.count(",") + text.count("[") + text.count("{") > MAX_VALUES:
        raise ReportError(f"holds more than {MAX_VALUES:,} values; a report holds far fewer")
    depth, in_string = 0, False
    for match in LANDMARK.finditer(text):
        mark = match.group()
        if mark == '"':
            in_string = not in_string
        elif in_string or mark.startswith("\\"):
            continue
        elif mark in "[{]}":
            depth += 1 if mark in "[{" else -1
            if depth > MAX_DEPTH:
                raise ReportError(f"nested deeper than {MAX_DEPTH} levels {_at(match)}")
        else:
            raise ReportError(f"not JSON {_at(match)}: {mark}; write null, and say why")


def _at(match: re.Match[str]) -> str:
    return f"at line {match.string.count(chr(10), 0, match.start()) + 1}"


def _explain(document: object) -> None:
    for path, value in walk(document):
        if isinstance(value, _Refused):
            raise ReportError(f"{path}: {value.reason}")
        if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
            raise ReportError(f'{path}: half a surrogate pair in "{printable(value, 40)}"')


def walk(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield every value and every key with its path in the document's own terms."""
    yield path or WHOLE, value
    if isinstance(value, list):
        for position, item in enumerate(value):
            yield from walk(item, join(path, position))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield join(path, key), key
            yield from walk(item, join(path, key))


def join(path: str, step: str | int) -> str:
    """One step further down: `sites[3]`, then `.abs_quantiles`, then `["0.5"]`."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", step):
        return f"{path}.{step}" if path else step
    return f'{path}["{printable(step, 40)}"]'
