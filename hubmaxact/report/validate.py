"""What is wrong with a document, in people's words: the schema first, then consistency.

Knows JSON, parsed or as bytes; knows nothing of files.
"""

import functools
import json
import math
from collections.abc import Iterator
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jsonschema import Draft202012Validator, TypeChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry

from hubmaxact.errors import ReportError
from hubmaxact.report.consistency import contradictions
from hubmaxact.report.explain import explain
from hubmaxact.report.json_text import WHOLE, load
from hubmaxact.report.problem import Problem

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
    # Every missing field is an error of its own and explained as one of a list: keep the list once.
    found = list(dict.fromkeys(islice(_schema_problems(document), MAX_PROBLEMS)))
    if found:
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
    whole = _validator()
    validator = whole.evolve(schema=whole.schema["properties"][name])
    found = (explain(error) for error in islice(validator.iter_errors(part), MAX_PROBLEMS))
    return [Problem(name if p.path == WHOLE else f"{name}.{p.path}", p.message) for p in found]


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


def _schema_problems(document: object) -> Iterator[Problem]:
    for error in _validator().iter_errors(document):
        yield explain(error)


def _is_integer(checker: TypeChecker, value: object) -> bool:  # noqa: ARG001 jsonschema's signature
    """1.0 is an integer to JSON Schema; a report writes counts as counts."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(checker: TypeChecker, value: object) -> bool:
    """NaN passes any minimum and maximum; a report's numbers are finite."""
    return _is_integer(checker, value) or (isinstance(value, float) and math.isfinite(value))


def _bounded(keyword: str, bound: str) -> Any:
    """The keyword's own check, unless the container is too large to be looked into at all."""
    check = Draft202012Validator.VALIDATORS[keyword]

    def look(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        try:
            too_large = len(instance) > schema.get(bound, math.inf)
        except TypeError:
            return
        if not too_large:
            yield from check(validator, value, instance, schema) or ()

    return look


@functools.cache
def _validator() -> Any:
    strict = extend(
        Draft202012Validator,
        validators={
            "items": _bounded("items", "maxItems"),
            "additionalProperties": _bounded("additionalProperties", "maxProperties"),
            "propertyNames": _bounded("propertyNames", "maxProperties"),
        },
        type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
            {"integer": _is_integer, "number": _is_number}
        ),
    )
    # An empty registry retrieves nothing: a schema that pointed elsewhere would fail, not fetch.
    return strict(_resolved(schema(), schema()["$defs"]), registry=Registry())


def _resolved(node: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions in the place of references, once: four times as fast as looking them up."""
    if isinstance(node, list):
        return [_resolved(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        node = definitions[node["$ref"].removeprefix("#/$defs/")] | node
    dropped = ("$ref", "$defs", "description")
    return {key: _resolved(item, definitions) for key, item in node.items() if key not in dropped}
