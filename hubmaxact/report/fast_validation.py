"""A fast yes to valid reports; everything else is left to the slow reader, which says why.

The report's schema is compiled once into plain functions, a dozen times as fast as walking it
with jsonschema. It knows only the keywords that the schema uses and refuses to be made from
others, so it cannot grow lenient by ignorance; a test holds its answers to jsonschema's.
"""

import functools
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, cast

from hubmaxact.report import read
from hubmaxact.report.consistency import contradictions
from hubmaxact.report.document import Report
from hubmaxact.report.json_text import load
from hubmaxact.report.validate import schema

Check = Callable[[Any], bool]

SAID_ELSEWHERE = {"$schema", "$id", "$defs", "$ref", "title", "description"}
KINDS: dict[str, Check] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: type(value) is int,  # a bool is an int to isinstance
    "null": lambda value: value is None,
    "number": lambda value: type(value) is int or (type(value) is float and math.isfinite(value)),
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def parse(content: bytes) -> Report:
    """Return the report in these bytes; the same answers and errors as `report.read.parse`.

    Args:
        content: A file's content, whoever wrote it.

    Returns:
        The report.

    Raises:
        NewerReportError: Its schema is newer than this reader.
        ReportError: It is not a report; the message says where and why.
    """
    document = load(content)
    if passes(document):
        report = cast("Report", document)
        if next(contradictions(report), None) is None:
            return report
    return read.parse(content)


def passes(document: object) -> bool:
    """Whether a parsed document has the shape that the schema asks for."""
    return _fast_check()(document)


@functools.cache
def _fast_check() -> Check:
    return compiled(schema(), schema()["$defs"])


def compiled(node: dict[str, Any], definitions: dict[str, Any]) -> Check:
    """Compile one schema node; unknown keywords are an AssertionError."""
    if "$ref" in node:
        # Siblings of a reference come first, as where the reader puts definitions in its place.
        node = definitions[node["$ref"].removeprefix("#/$defs/")] | node
    unknown = node.keys() - SAID_ELSEWHERE - KEYWORDS.keys()
    assert not unknown, f"the fast check does not know {sorted(unknown)}"
    makers = dict.fromkeys(KEYWORDS[keyword] for keyword in node if keyword in KEYWORDS)
    checks = [check for maker in makers for check in maker(node, definitions)]
    return checks[0] if len(checks) == 1 else _all_of(checks)


def _all_of(checks: list[Check]) -> Check:
    def check_all(value: Any) -> bool:
        for check in checks:  # noqa: SIM110 all() would make a generator for every value
            if not check(value):
                return False
        return True

    return check_all


def _type(node: dict[str, Any], _: dict[str, Any]) -> Iterator[Check]:
    kinds = [node["type"]] if isinstance(node["type"], str) else node["type"]
    if len(kinds) == 1:
        yield KINDS[kinds[0]]
    else:
        allowed = [KINDS[kind] for kind in kinds]
        yield lambda value: any(is_kind(value) for is_kind in allowed)


def _enum(node: dict[str, Any], _: dict[str, Any]) -> Iterator[Check]:
    # JSON tells true from 1, Python does not.
    allowed = {(type(value), value) for value in node["enum"]}
    yield lambda value: _is_plain(value) and (type(value), value) in allowed


def _const(node: dict[str, Any], definitions: dict[str, Any]) -> Iterator[Check]:
    yield from _enum({"enum": [node["const"]]}, definitions)


def _not(node: dict[str, Any], definitions: dict[str, Any]) -> Iterator[Check]:
    refused = compiled(node["not"], definitions)
    yield lambda value: not refused(value)


def _text(node: dict[str, Any], _: dict[str, Any]) -> Iterator[Check]:
    least, most = node.get("minLength", 0), node.get("maxLength", math.inf)
    search = re.compile(node.get("pattern", "")).search
    yield (
        lambda value: (
            not isinstance(value, str)
            or (least <= len(value) <= most and search(value) is not None)
        )
    )


def _number(node: dict[str, Any], _: dict[str, Any]) -> Iterator[Check]:
    least, most = node.get("minimum", -math.inf), node.get("maximum", math.inf)
    above = node.get("exclusiveMinimum", -math.inf)
    is_number = KINDS["number"]
    yield lambda value: not is_number(value) or (least <= value <= most and value > above)


def _items(node: dict[str, Any], definitions: dict[str, Any]) -> Iterator[Check]:
    least, most = node.get("minItems", 0), node.get("maxItems", math.inf)
    check = compiled(node.get("items", {}), definitions)
    yield (
        lambda value: (
            not isinstance(value, list) or (least <= len(value) <= most and all(map(check, value)))
        )
    )


def _members(node: dict[str, Any], definitions: dict[str, Any]) -> Iterator[Check]:
    least, most = node.get("minProperties", 0), node.get("maxProperties", math.inf)
    required = frozenset(node.get("required", ()))
    known = {n: compiled(child, definitions) for n, child in node.get("properties", {}).items()}
    names = node.get("propertyNames")
    check_name = compiled(names, definitions) if names else None
    other = node.get("additionalProperties", True)
    check_other = (lambda _: other) if isinstance(other, bool) else compiled(other, definitions)

    def check(value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        if not least <= len(value) <= most or not required <= value.keys():
            return False
        if check_name and not all(map(check_name, value)):
            return False
        for name, member in value.items():  # noqa: SIM110 as above
            if not known.get(name, check_other)(member):
                return False
        return True

    yield check


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


KEYWORDS: dict[str, Callable[[dict[str, Any], dict[str, Any]], Iterator[Check]]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "not": _not,
    **dict.fromkeys(("minLength", "maxLength", "pattern"), _text),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum"), _number),
    **dict.fromkeys(("items", "minItems", "maxItems"), _items),
    **dict.fromkeys(
        (
            "properties", "required", "additionalProperties", "propertyNames", "minProperties",
            "maxProperties",
        ),
        _members,
    ),
}  # fmt: skip
"""What each keyword compiles to; keywords of one kind are checked together."""
