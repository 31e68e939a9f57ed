"""What a keyword of the schema asks for and what was found instead, in people's words.

Knows the keywords that our schema uses; knows nothing of what the fields mean. A sentence is of
bounded length, whatever was found.
"""

from collections.abc import Callable, Iterable
from typing import Any

from hubmaxact.printable import printable, shown

Node = dict[str, Any]
"""One node of the schema, without references."""

KINDS = {
    "array": "an array",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}


def explain(keyword: str, node: Node, value: Any) -> str:
    """Say what `node` asks for by `keyword`, and what stands there instead."""
    return WORDS[keyword](keyword, node, value)


def _type(_: str, node: Node, value: Any) -> str:
    kinds = node["type"]
    wanted = [kinds] if isinstance(kinds, str) else kinds
    found = f"the string {shown(value)}" if isinstance(value, str) else shown(value)
    return f"must be {' or '.join(KINDS[kind] for kind in wanted)}, found {found}"


def _required(_: str, node: Node, value: Any) -> str:
    return f"lacks {_listed(name for name in node['required'] if name not in value)}"


def _unknown(_: str, node: Node, value: Any) -> str:
    known = node.get("properties", {})
    return f"has fields that no report has: {_listed(name for name in value if name not in known)}"


def _enum(_: str, node: Node, value: Any) -> str:
    return f"must be one of {', '.join(map(shown, node['enum']))}, found {shown(value)}"


def _const(_: str, node: Node, value: Any) -> str:
    return f"must be {shown(node['const'])}, found {shown(value)}"


def _form(_: str, node: Node, value: Any) -> str:
    return f"must be {node.get('title', 'of another form')}, found {shown(value)}"


def _at(words: str) -> Callable[[str, Node, Any], str]:
    return lambda keyword, node, value: f"must be {words} {node[keyword]}, found {shown(value)}"


def _holds(words: str, unit: str) -> Callable[[str, Node, Any], str]:
    def say(keyword: str, node: Node, value: Any) -> str:
        return f"must hold {words} {node[keyword]:,} {unit}, found {len(value):,}"

    return say


WORDS: dict[str, Callable[[str, Node, Any], str]] = {
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


def _listed(names: Iterable[str], most: int = 3) -> str:
    names = list(names)
    first = ", ".join(f'"{printable(name, 40)}"' for name in names[:most])
    return first if len(names) <= most else f"{first} and {len(names) - most} more"
