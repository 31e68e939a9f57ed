"""What is wrong with a document, in people's words: the schema first, then consistency.

Knows parsed JSON; knows nothing of files.
"""

import functools
import json
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hubmaxact.report.consistency import contradictions
from hubmaxact.report.problem import Problem
from hubmaxact.report.schema_node import SchemaNode

if TYPE_CHECKING:
    from hubmaxact.report.document import Report

SCHEMA_FILE = "activation_maxima.schema.json"

MAX_PROBLEMS = 50
"""Looking for more would cost time and tell nobody more."""


def problems(document: object) -> list[Problem]:
    """Return what is wrong with a parsed document, at most MAX_PROBLEMS; empty when valid."""
    if found := _problems_of_shape(_root(), document):
        return found
    # The rules read fields without looking: only a document of the right shape gets here.
    return list(islice(contradictions(cast("Report", document)), MAX_PROBLEMS))


def problems_of(name: str, part: object) -> list[Problem]:
    """Return what is wrong with one block of a report, by the schema alone."""
    return _problems_of_shape(_root().fields[name], part, name)


@functools.cache
def schema() -> dict[str, Any]:
    """Return the schema: the wheel's copy, or the repository's in a source checkout."""
    packaged = resources.files("hubmaxact.report").joinpath(SCHEMA_FILE)
    if packaged.is_file():
        content = packaged.read_text("utf-8")
    else:
        content = (Path(__file__).parents[2] / "schema" / SCHEMA_FILE).read_text("utf-8")
    document: dict[str, Any] = json.loads(content)
    return document


def _problems_of_shape(node: SchemaNode, value: object, path: str = "") -> list[Problem]:
    if node.passes(value):
        return []
    found = list(islice(node.problems(value, path), MAX_PROBLEMS))
    assert found, "what does not pass has a problem, or it would be taken for valid"
    return found


@functools.cache
def _root() -> SchemaNode:
    return SchemaNode(_resolved(schema(), schema()["$defs"]))


def _resolved(node: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions in the place of references, so that every node says all of itself."""
    if isinstance(node, list):
        return [_resolved(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        node = definitions[node["$ref"].removeprefix("#/$defs/")] | node
    dropped = ("$ref", "$defs", "$id", "description")
    return {key: _resolved(item, definitions) for key, item in node.items() if key not in dropped}
