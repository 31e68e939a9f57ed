"""The schema is closed, bounded, anchored, described, and says what the types say."""

import copy
import re
import types
from typing import Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import example_reports
import pytest
from jsonschema import Draft202012Validator

from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.report import field_table
from hubmaxact.report.document import SCHEMA_VERSION, Report
from hubmaxact.report.explain import WORDS
from hubmaxact.report.roles import ROLES, SITE_ROLES
from hubmaxact.report.validate import schema, validate

KIND = {str: "string", int: "integer", float: "number", bool: "boolean"}


def nodes(node, path="#"):
    """Every subschema with its place."""
    if isinstance(node, dict):
        yield path, node
    items = enumerate(node) if isinstance(node, list) else node.items()
    for key, item in items:
        if isinstance(item, dict | list):
            yield from nodes(item, f"{path}/{key}")


NODES = [(p, n) for p, n in nodes(schema()) if not p.endswith(("/properties", "$defs", "/not"))]


def resolved(node):
    reference = node.get("$ref")
    return schema()["$defs"][reference.removeprefix("#/$defs/")] | node if reference else node


def test_the_schema_is_valid_and_names_its_version():
    Draft202012Validator.check_schema(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema()["$id"].endswith("/v0.1.0/schema/activation_maxima.schema.json")
    assert re.search(schema()["properties"]["schema_version"]["pattern"], SCHEMA_VERSION)


def test_every_reference_stays_inside():
    references = [node["$ref"] for _, node in NODES if "$ref" in node]
    assert references
    assert all(reference.startswith("#/$defs/") for reference in references)


def test_every_node_is_closed_and_bounded():
    assert len(NODES) > 200
    assert [f"{path}: {fault}" for path, node in NODES for fault in open_ends(node)] == []


def open_ends(node):
    """What a node leaves open that a hostile document could go through."""
    kinds = node.get("type", [])
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    has = set(node)
    if "object" in kinds and node.get("additionalProperties") is not False:
        yield from {"additionalProperties", "maxProperties", "propertyNames"} - has
    if "array" in kinds:
        yield from {"items", "maxItems"} - has
    if "string" in kinds:
        yield from {"maxLength", "pattern", "not"} - has
        if not re.fullmatch(r"\^.*\$", node.get("pattern", "^$")):
            yield "pattern is not anchored"
        if "\\n" not in node.get("not", {"pattern": "\\n"})["pattern"]:
            yield "not lets a newline through"
    if kinds & {"number", "integer"}:
        yield from {"maximum"} - has
        if has.isdisjoint({"minimum", "exclusiveMinimum"}):
            yield "minimum"


@pytest.mark.parametrize(
    ("node", "fault"),
    [
        ({"type": "object"}, "additionalProperties"),
        ({"type": "object", "additionalProperties": {}, "maxProperties": 1}, "propertyNames"),
        ({"type": ["array", "null"], "items": {}}, "maxItems"),
        ({"type": "string", "pattern": "^a", "not": {"pattern": "\\n"}}, "pattern is not anchored"),
        (
            {"type": "string", "pattern": "^a$", "not": {"pattern": "b"}},
            "not lets a newline through",
        ),
        ({"type": "number", "maximum": 1}, "minimum"),
        ({"type": "integer", "minimum": 1}, "maximum"),
    ],
)
def test_an_open_end_is_seen(node, fault):
    assert fault in set(open_ends(node))


def test_every_field_says_what_it_means():
    for path, node in NODES:
        for name, field in node.get("properties", {}).items():
            assert len(field["description"]) > 10, f"{path}/{name}"


def test_types_and_schema_agree():
    assert list(disagreements(Report, schema(), "")) == []


def disagreements(hint, node, path):
    """Where a type hint and a schema node differ: names, order, nulls, words, kinds."""
    node = resolved(node)
    inner, nullable = without_none(hint)
    if is_typeddict(inner):
        hints = get_type_hints(inner)
        required = [name for name in hints if name in inner.__required_keys__]
        if list(hints) != list(node["properties"]) or node["required"] != required:
            yield path
        for name, field in node["properties"].items():
            yield from disagreements(hints.get(name, object), field, f"{path}.{name}")
    elif get_origin(inner) is list:
        yield from disagreements(get_args(inner)[0], node["items"], f"{path}[]")
    elif get_origin(inner) is dict:
        each = node.get("properties", {"*": node["additionalProperties"]})
        for name, field in each.items():
            yield from disagreements(get_args(inner)[1], field, f"{path}.{name}")
    elif not leaf_agrees(inner, nullable, node):
        yield path


def leaf_agrees(hint, nullable, node):
    """Whether a plain type and a schema node without fields allow the same values."""
    words = node.get("enum", [node["const"]] if "const" in node else None)
    if words is not None:
        named = set(get_args(hint)) if get_origin(hint) is Literal else set(words) - {None}
        return set(words) - {None} == named and (None in words) == nullable
    kinds = {node["type"]} if isinstance(node["type"], str) else set(node["type"])
    if hint is types.NoneType:
        return kinds == {"null"}
    return kinds == {KIND.get(hint)} | ({"null"} if nullable else set())


def without_none(hint):
    if get_origin(hint) in (Union, types.UnionType):
        options = [option for option in get_args(hint) if option is not types.NoneType]
        return options[0], True
    return hint, False


def test_roles_and_formats_are_the_tables():
    assert schema()["$defs"]["role"]["enum"] == [role.name for role in SITE_ROLES]
    assert schema()["$defs"]["watched"]["enum"] == [role.name for role in ROLES]
    assert list(schema()["properties"]["max_by_role"]["properties"]) == [r.name for r in SITE_ROLES]
    assert list(schema()["properties"]["coverage"]["properties"])[:-1] == [r.name for r in ROLES]
    assert list(schema()["properties"]["dtype_headroom"]["properties"]) == list(LARGEST_FINITE)


def test_every_keyword_has_words():
    annotations = {"$schema", "$id", "$ref", "$defs", "title", "description", "properties"}
    used = {keyword for _, node in NODES for keyword in node} - annotations
    assert used - {"items", "propertyNames"} <= set(WORDS)


def strings(value, path=()):
    """Paths of every string in a document."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from strings(item, (*path, key))


def test_no_string_may_end_in_a_newline_for_any_validator():
    plain = Draft202012Validator(schema())
    report = example_reports.assemble(
        [example_reports.site("final_norm", None, 2, width=8)], num_layers=1, hidden_size=8
    )
    assert plain.is_valid(report)
    paths = list(strings(report))
    assert len(paths) > 30
    for path in paths:
        document = copy.deepcopy(report)
        place = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] += "\n"
        assert not plain.is_valid(document), path
        assert validate(document), path


def test_the_field_table_is_the_schema(schema_folder):
    document = (schema_folder / "README.md").read_text("utf-8")
    assert field_table.splice(document) == document
    listed = re.findall(r"^\| `([^`]+)`", field_table.table(), re.MULTILINE)
    assert 'sites[].abs_quantiles["0.999"]' in listed
    assert "global_max.carriers[].num_ties" in listed
    assert len(listed) == len(set(listed)) > 150
