"""A JSON Schema error in people's words, of bounded length.

Knows the keywords that our schema uses; knows nothing of what the fields mean.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any

from jsonschema.exceptions import ValidationError

from hubmaxact.printable import printable, shown
from hubmaxact.report.json_text import WHOLE, join
from hubmaxact.report.problem import Problem

KINDS = {
    "array": "an array",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}


def explain(error: ValidationError) -> Problem:
    """Say where and what, from the failed keyword."""
    path: str = reduce(join, error.absolute_path, "")
    return Problem(path or WHOLE, WORDS[str(error.validator)](error))


def _type(error: ValidationError) -> str:
    kinds = error.validator_value
    wanted = [kinds] if isinstance(kinds, str) else list(kinds)
    found = shown(error.instance)
    if isinstance(error.instance, str):
        found = f"the string {found}"
    return f"must be {' or '.join(KINDS[kind] for kind in wanted)}, found {found}"


def _required(error: ValidationError) -> str:
    # jsonschema reports one missing field at a time and names it only in its message.
    missing = [name for name in error.validator_value if name not in _object(error)]
    return f"lacks {_listed(missing)}"


def _unknown(error: ValidationError) -> str:
    known = _schema(error).get("properties", {})
    return f"has fields that no report has: {_listed(n for n in _object(error) if n not in known)}"


def _enum(error: ValidationError) -> str:
    allowed = ", ".join(shown(value) for value in error.validator_value)
    return f"must be one of {allowed}, found {shown(error.instance)}"


def _const(error: ValidationError) -> str:
    return f"must be {shown(error.validator_value)}, found {shown(error.instance)}"


def _form(error: ValidationError) -> str:
    form = _schema(error).get("title", "of another form")
    return f"must be {form}, found {shown(error.instance)}"


def _at(words: str) -> Callable[[ValidationError], str]:
    return lambda error: f"must be {words} {error.validator_value}, found {shown(error.instance)}"


def _holds(words: str, unit: str) -> Callable[[ValidationError], str]:
    def say(error: ValidationError) -> str:
        found = f"{len(error.instance):,}"
        return f"must hold {words} {error.validator_value:,} {unit}, found {found}"

    return say


WORDS: dict[str, Callable[[ValidationError], str]] = {
    "type": _type,
    "required": _required,
    "additionalProperties": _unknown,
    "enum": _enum,
    "const": _const,
    "pattern": _form,
    "not": _form,
    "minimum": _at("at least"),
    "maximum": _at("at most"),
    "exclusiveMinimum": _at("above"),
    "minLength": _holds("at least", "characters"),
    "maxLength": _holds("at most", "characters"),
    "minItems": _holds("at least", "items"),
    "maxItems": _holds("at most", "items"),
    "minProperties": _holds("at least", "fields"),
    "maxProperties": _holds("at most", "fields"),
}
"""One sentence for each keyword of the schema; a test holds the two in step."""


def _object(error: ValidationError) -> dict[str, Any]:
    assert isinstance(error.instance, dict)
    return error.instance


def _schema(error: ValidationError) -> dict[str, Any]:
    assert isinstance(error.schema, dict)
    return error.schema


def _listed(names: Any, most: int = 3) -> str:
    names = list(names)
    first = ", ".join(f'"{printable(name, 40)}"' for name in names[:most])
    return first if len(names) <= most else f"{first} and {len(names) - most} more"
