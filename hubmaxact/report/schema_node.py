"""One node of the schema: whether a value is as it asks, and if not, every place where it is not.

jsonschema-rs decides. Asked for its errors it makes all of them at once, each with a copy of what
it found: gigabytes for a hostile document. So it is only asked for yes or no, of the whole, and
then of each keyword and each part, as far as problems are wanted.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from jsonschema_rs import Registry, Validator, validator_for

from hubmaxact.report.explain import WORDS, explain
from hubmaxact.report.json_text import WHOLE, join
from hubmaxact.report.problem import Problem

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# 1.0 is an integer since draft 6, was none in draft 4, and is none in a report: counts are written
# as counts, and readers count with them.
DRAFT_4 = "http://json-schema.org/draft-04/schema#"
WHOLE_NUMBER = "urn:hubmaxact:whole-number"
WHOLE_NUMBER_OR_NULL = "urn:hubmaxact:whole-number-or-null"
WHOLE_NUMBERS = Registry(
    [
        (WHOLE_NUMBER, {"$schema": DRAFT_4, "type": "integer"}),
        (WHOLE_NUMBER_OR_NULL, {"$schema": DRAFT_4, "type": ["integer", "null"]}),
    ]
)

CLOSED = frozenset({"type", "maxItems", "maxProperties"})
"""A value that fails one of these is not looked into."""

HALF_A_PAIR = re.compile("[\ud800-\udfff]")


class SchemaNode:
    """A node and all below it; knows only the keywords in `explain.WORDS`."""

    def __init__(self, node: dict[str, Any]) -> None:
        self.node = node

    def problems(self, value: object, path: str = "") -> Iterator[Problem]:
        """Yield what is wrong with a value, itself first, then what it holds."""
        if self.passes(value):
            return
        surface = _surface(value)
        failed = [word for word, asked in self._keywords.items() if not _passes(asked, surface)]
        said = dict.fromkeys(explain(keyword, self.node, value) for keyword in failed)
        yield from (Problem(path or WHOLE, words) for words in said)
        if not CLOSED.intersection(failed):
            yield from self._inside(value, path)

    def passes(self, value: object) -> bool:
        """Whether a value is all that the node asks for."""
        return _passes(self._whole, value)

    def _inside(self, value: object, path: str) -> Iterator[Problem]:
        if isinstance(value, list) and self.items:
            for position, item in enumerate(value):
                yield from self.items.problems(item, join(path, position))
        elif isinstance(value, dict):
            if self.names:
                for name in value:
                    yield from self.names.problems(name, path)
            for name, item in value.items():
                if field := self.fields.get(name, self.others):
                    yield from field.problems(item, join(path, name))

    @cached_property
    def fields(self) -> dict[str, "SchemaNode"]:
        """The nodes of an object's fields by name."""
        return {name: SchemaNode(node) for name, node in self.node.get("properties", {}).items()}

    @cached_property
    def items(self) -> "SchemaNode | None":
        """The node of an array's items."""
        return self._below("items")

    @cached_property
    def names(self) -> "SchemaNode | None":
        """The node of an object's names."""
        return self._below("propertyNames")

    @cached_property
    def others(self) -> "SchemaNode | None":
        """The node of an object's fields without a node of their own."""
        return self._below("additionalProperties")

    def _below(self, keyword: str) -> "SchemaNode | None":
        node = self.node.get(keyword)
        return SchemaNode(node) if isinstance(node, dict) else None

    @cached_property
    def _whole(self) -> Validator:
        return _validator(self.node)

    @cached_property
    def _keywords(self) -> dict[str, Validator]:
        """What the node asks of a value without opening it, by keyword."""
        asked = {word: {word: self.node[word]} for word in self.node if word in WORDS}
        if self.others:
            del asked["additionalProperties"]
        elif "additionalProperties" in asked:
            asked["additionalProperties"]["properties"] = dict.fromkeys(self.fields, True)
        return {keyword: _validator(node) for keyword, node in asked.items()}


def _validator(node: dict[str, Any]) -> Validator:
    return validator_for({**_strict(node), "$schema": DIALECT}, registry=WHOLE_NUMBERS)


def _passes(validator: Validator, value: object) -> bool:
    try:
        return validator.is_valid(value)
    except ValueError:  # half a surrogate pair, or an object of a type that JSON does not have
        return False


def _strict(node: Any) -> Any:
    """The same node, with whole numbers as a report means them."""
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    strict = {key: _strict(item) for key, item in node.items()}
    kinds = node.get("type")
    if kinds == "integer":
        strict["$ref"] = WHOLE_NUMBER
    elif isinstance(kinds, list) and "integer" in kinds:
        strict["$ref"] = WHOLE_NUMBER_OR_NULL
    return strict


def _surface(value: object) -> object:
    """A value that can be judged without what it holds; half a pair breaks as a newline does."""
    if isinstance(value, dict):
        return {HALF_A_PAIR.sub("\n", name): None for name in value}
    if isinstance(value, list):
        return [None] * len(value)
    return HALF_A_PAIR.sub("\n", value) if isinstance(value, str) else value
