"""What is wrong with a document, in people's words: the schema first, then consistency.

Knows JSON, parsed or as bytes; knows nothing of files.
"""

import functools
import json
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hubmaxact.errors import ReportError
from hubmaxact.report.consistency import contradictions
from hubmaxact.report.json_text import WHOLE, load
from hubmaxact.report.problem import Problem
from hubmaxact.report.schema_node import SchemaNode

if TYPE_CHECKING:
    from hubmaxact.report.document import Report

SCHEMA_FILE = "activation_maxima.schema.json"

MAX_PROBLEMS = 50
"""Looking for more would cost time and tell nobody more."""


def validate(document: object) -> list[Problem]:
    """Say what is wrong with a document, by the schema and by what must agree with what.

    Nothing is raised, whatever the document is; `read_report` raises, and tells a report of a newer
    hubmaxact from an invalid one.

    Args:
        document: Parsed JSON, or the bytes of a file. Text is parsed JSON too: one string.

    Returns:
        What is wrong, each with its place; at most 50, of the schema or else of consistency. Empty
        when the document is a valid report.

    Source: schema/activation_maxima.schema.json; the rules stand in hubmaxact/report/consistency.
    """
    if isinstance(document, bytes):
        try:
            document = load(document)
        except ReportError as error:
            return [Problem(WHOLE, str(error))]
    if found := _problems_of_shape(_root(), document):
        return found
    # The rules read fields without looking: only a document of the right shape gets here.
    return list(islice(contradictions(cast("Report", document)), MAX_PROBLEMS))


def problems_of(name: str, part: object) -> list[Problem]:
    """Say what is wrong with one block of a report, by the schema alone.

    Args:
        name: Field of the report, such as "model".
        part: Its value, as parsed JSON.

    Returns:
        What is wrong, each with its place in the report; at most 50.
    """
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
