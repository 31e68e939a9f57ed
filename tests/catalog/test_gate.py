"""The fast gate gives the slow reader's answers."""

import copy

import example_reports
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from invalid_report_files import FILES

from hubmaxact.errors import ReportError
from hubmaxact.report import fast_validation, read, validate
from hubmaxact.report.json_text import load
from hubmaxact.report.validate import schema
from hubmaxact.report.write import report_bytes

REPORTS = [
    make()
    for make in (
        example_reports.small_report,
        example_reports.moe_report,
        example_reports.partial_report,
        example_reports.non_finite_report,
        example_reports.few_samples_report,
    )
]
SMALL = REPORTS[0]
ODD = [
    None, True, False, 0, 1, -1, 1.5, -0.0, float("nan"), float("inf"), 2**53, "", "x", "a/b\n",
    "a\u202eb", "0.1", [], {}, [1], {"a": 1},
]  # fmt: skip


@pytest.mark.parametrize("report", REPORTS)
def test_valid_reports_pass(report):
    assert fast_validation.passes(report)
    assert fast_validation.parse(report_bytes(report)) == load(report_bytes(report))


@pytest.mark.parametrize("name", FILES)
def test_invalid_reports_fail_with_the_readers_words(name):
    content, words = FILES[name]
    with pytest.raises(ReportError) as slow:
        read.parse(content)
    with pytest.raises(type(slow.value)) as fast:
        fast_validation.parse(content)
    assert str(fast.value) == str(slow.value)
    assert words in str(fast.value)


def places(value, path=()):
    """The path of every value in a document."""
    yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for step, child in items:
            yield from places(child, (*path, step))


PLACES = sorted(set(places(SMALL)) - {()}, key=repr)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), st.sampled_from(ODD), st.sampled_from(["put", "drop", "add"]))
def test_a_mutated_report_passes_only_where_the_schema_lets_it(path, odd, change):
    document = copy.deepcopy(SMALL)
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    if change == "drop":
        del parent[path[-1]]
    elif change == "add" and isinstance(parent, dict):
        parent["added"] = odd
    else:
        parent[path[-1]] = odd
    assert fast_validation.passes(document) == (list(validate._schema_problems(document)) == [])


def test_the_gate_refuses_to_be_made_from_keywords_it_does_not_know():
    fast_validation.compiled(schema(), schema()["$defs"])
    with pytest.raises(AssertionError, match="multipleOf"):
        fast_validation.compiled({"type": "integer", "multipleOf": 2}, {})


def test_json_tells_true_from_one():
    assert not fast_validation.compiled({"enum": [1]}, {})(True)
    assert not fast_validation.compiled({"const": True}, {})(1)
    assert not fast_validation.compiled({"type": "integer"}, {})(1.0)
