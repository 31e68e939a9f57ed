"""jsonschema-rs, asked our way, says what jsonschema says: the same verdict, the same places."""

import copy
import math
from fractions import Fraction
from functools import reduce
from operator import getitem

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from invalid_report_files import FILES, SMALLEST
from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from hubmaxact.errors import ReportError
from hubmaxact.report.json_text import WHOLE, join, load
from hubmaxact.report.schema_node import SchemaNode
from hubmaxact.report.validate import (
    MAX_PROBLEMS,
    _problems_of_shape,
    _root,
    problems_of,
    schema,
    validate,
)

# Counts are written as counts, and NaN, which passes every bound, is no number.
TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "integer": lambda _, value: type(value) is int,
        "number": lambda _, value: (
            type(value) is int or (type(value) is float and math.isfinite(value))
        ),
    }
)
OTHER = extend(Draft202012Validator, type_checker=TYPES)(schema())
ODD = [
    None, True, False, 0, 1, -1, 1.0, 1.5, -0.0, 1e300, math.nan, math.inf, 2**53, 2**70, "", "x",
    "a/b\n", "a\u202eb", "0.1", "\U0001f600" * 200, [], {}, [1], {"a": 1}, {"a\n": 1}, [{}],
]  # fmt: skip


def places(value, path=()):
    """The path of every value in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for step, child in items:
        yield (*path, step)
        if isinstance(child, dict | list):
            yield from places(child, (*path, step))


def faulty(document):
    """The places that jsonschema finds fault with."""
    return {reduce(join, error.absolute_path, "") or WHOLE for error in OTHER.iter_errors(document)}


def assert_agreement(document, name=""):
    """A list of problems that is not full names all the places, and no others."""
    wrong = faulty(document)
    found = [problem.path for problem in _problems_of_shape(_root(), document)]
    assert set(found) <= wrong, name
    assert set(found) == wrong or len(found) == MAX_PROBLEMS, name


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.nightly), 6])
def test_the_two_agree_on_every_example(step):
    """Each is invalid for one reason, in the schema or in the rules that no schema can say."""
    judged = 0
    for name, (content, _) in list(FILES.items())[::step]:
        try:
            document = load(content)
        except ReportError:
            continue
        judged += 1
        assert_agreement(document, name)
    assert judged > 100 / step


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(places(SMALLEST), key=repr)),
            st.sampled_from(ODD),
            st.sampled_from(["put", "drop", "add"]),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_the_two_agree_on_a_mutated_report(changes):
    document = copy.deepcopy(SMALLEST)
    for (*steps, last), odd, change in changes:
        try:
            parent = reduce(getitem, steps, document)
            if change == "drop":
                del parent[last]
            elif change == "add" and isinstance(parent, dict):
                parent["added"] = odd
            else:
                parent[last] = odd
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    assert_agreement(document)


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"type": "integer"}, 1.0),
        ({"type": ["integer", "null"]}, 2.0),
        ({"type": "integer"}, True),
        ({"type": "number"}, False),
        ({"enum": [1]}, True),
        ({"const": True}, 1),
        ({"type": "number", "minimum": 0}, math.nan),
        ({"type": "number", "maximum": 0}, -math.inf),
    ],
)
def test_what_some_readers_take_for_one_another(node, value):
    assert not SchemaNode(node).passes(value)
    assert len(list(SchemaNode(node).problems(value))) == 1


def test_a_whole_number_may_be_as_large_as_a_bound_says():
    assert SchemaNode({"type": "integer", "maximum": 2**53}).passes(2**53)
    assert not SchemaNode({"type": "integer", "maximum": 2**53}).passes(2**53 + 1)
    assert not SchemaNode({"type": "integer", "maximum": 2**53}).passes(2**70)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r["environment"].update(device_name="a\ud800"), "environment.device_name: must"),
        (lambda r: r["domains"].update({"\ud800": None}), "domains: must be a domain"),
        (lambda r: r.update({"x\ud800": None}), "the document: has fields that no report has"),
        (lambda r: r.update(status="\udfff"), "status: must be one of"),
        (lambda r: r["sites"].append("\ud800"), "must be an object, found the string"),
    ],
)
def test_half_a_surrogate_pair_is_refused_where_it_stands(change, said):
    """A file's name may hold one where the file system does; it must never come into a report."""
    report = copy.deepcopy(SMALLEST)
    change(report)
    (problem,) = validate(report)
    assert said in str(problem)
    assert str(problem).isprintable()


def test_what_is_no_json_is_no_report():
    report = copy.deepcopy(SMALLEST)
    report["sites"][0]["count"] = Fraction(1)
    assert {problem.path for problem in validate(report)} == {"sites[0].count"}


def test_a_block_is_judged_by_itself():
    assert problems_of("model", SMALLEST["model"]) == []
    (problem,) = problems_of("model", SMALLEST["model"] | {"num_layers": 0})
    assert str(problem) == "model.num_layers: must be at least 1, found 0"


def test_what_is_too_large_is_not_looked_into():
    many = {"type": "array", "maxItems": 2, "items": {"type": "integer"}}
    found = [str(problem) for problem in SchemaNode(many).problems(["x"] * 3)]
    assert found == ["the document: must hold at most 2 items, found 3"]
    wide = {"type": "object", "maxProperties": 1, "additionalProperties": {"type": "integer"}}
    found = [str(problem) for problem in SchemaNode(wide).problems({"a": "x", "b": "x"})]
    assert found == ["the document: must hold at most 1 fields, found 2"]
