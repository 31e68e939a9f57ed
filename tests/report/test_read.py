"""Reading is strict, says where, and answers fast whatever the bytes are."""

import json
import os
import random
import time
from pathlib import Path

import example_reports
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invalid_report_files import SMALLEST

from hubmaxact.errors import HubmaxactError, ReportError
from hubmaxact.report.document import MAX_REPORT_BYTES
from hubmaxact.report.json_text import load
from hubmaxact.report.read import (
    InvalidReportError,
    NewerReportError,
    parse,
    read_report,
)
from hubmaxact.report.source import UnreadableFileError
from hubmaxact.report.validate import MAX_PROBLEMS, validate
from hubmaxact.report.write import report_bytes

SMALL = report_bytes(example_reports.small_report())
SECONDS = 6.0
"""Far above what is needed on a slow machine, far below what a quadratic reader would need."""


def test_a_newer_minor_version_is_newer_and_not_invalid():
    newer = SMALL.replace(b'"schema_version": "0.1"', b'"schema_version": "0.3", "surprise": 1')
    with pytest.raises(
        NewerReportError, match=r"0\.3 is newer than this reader.*upgrade"
    ) as caught:
        parse(newer)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "version", ["0.0", "0.01", "1.0", "2.3", "0.1.0", "0.1\\n", "00.1", "0.99999"]
)
def test_any_other_version_is_invalid(version):
    content = SMALL.replace(
        b'"schema_version": "0.1"', b'"schema_version": "%s"' % version.encode()
    )
    with pytest.raises(ReportError, match="schema_version") as caught:
        parse(content)
    assert caught.value.exit_code == 1


def test_minus_zero_is_read_as_zero():
    content = SMALL.replace(b'"zero_fraction": 0.0', b'"zero_fraction": -0.0')
    assert parse(content) == parse(SMALL)


MEGABYTES = 2 * 1024 * 1024

HOSTILE = {
    "brackets": b"[" * (MEGABYTES - 1),
    "pairs": b"[]" * (MEGABYTES // 2 - 1),
    "nested objects": b'{"a":' * 400_000,
    "one string": b'"' + b"a" * (MEGABYTES - 3) + b'"',
    "escaped quotes": b'"' + b'\\"' * (MEGABYTES // 2 - 1),
    "backslashes": b"\\" * (MEGABYTES - 1),
    "open quotes": b'"a ' * (MEGABYTES // 3 - 1),
    "digits": b"1" * (MEGABYTES - 1),
    "long fraction": b"0." + b"1" * (MEGABYTES - 3),
    "many numbers": b"[" + b"1," * (MEGABYTES // 2 - 2) + b"1]",
    "as many as allowed": b"[" + b"1," * 131_000 + b"1]",
    "many keys": b"{" + b",".join(b'"k%d":1' % n for n in range(130_000)) + b"}",
    "one key twice": b"{" + b",".join(b'"k%d":1' % (n // 2) for n in range(130_000)) + b"}",
    "all refused": b"[" + b",".join([b"1e999"] * 130_000) + b"]",
    "blanks": b" " * (MEGABYTES - 1),
    "surrogates": b'["' + b"\\ud800" * (MEGABYTES // 6 - 2) + b'"]',
    "wide sites": SMALL.replace(
        b'"sites": [', b'"sites": [' + b",".join([b"{}"] * 60_000) + b",", 1
    ),
    "long never_routed": SMALL.replace(
        b'"experts": []',
        b'"experts": [{"layer":0,"num_experts":65536,"tokens":{"least":0,"median":0,"most":0},'
        b'"never_routed":[' + b",".join([b"1"] * 65_536) + b"]}]",
    ),
    "many domains": SMALL.replace(
        b'"domains": {',
        b'"domains": {' + b",".join(b'"d%d":1' % n for n in range(60_000)) + b",",
        1,
    ),
    "too large": b"[" + b" " * MEGABYTES + b"]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_get_a_short_answer_in_bounded_time(name):
    started = time.process_time()  # our own work, whatever else the machine does
    with pytest.raises(ReportError) as caught:
        parse(HOSTILE[name])
    assert time.process_time() - started < SECONDS
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


def test_problems_are_counted_up_to_a_bound():
    report = example_reports.dense_report(20)
    for site in report["sites"]:
        site["count"] = "many"
    assert len(validate(report)) == MAX_PROBLEMS
    with pytest.raises(InvalidReportError, match=f"and {MAX_PROBLEMS - 1} more") as caught:
        parse(json.dumps(report).encode())
    assert len(caught.value.problems) == MAX_PROBLEMS


def test_a_missing_field_is_said_once():
    report = example_reports.small_report()
    del report["model"]["id"], report["model"]["commit"]
    assert [str(p) for p in validate(report)] == ['model: lacks "id", "commit"']


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
@settings(max_examples=60, deadline=None)
def test_any_json_gets_an_answer(value):
    content = json.dumps(value).encode()
    with pytest.raises(ReportError) as caught:
        parse(content)
    assert str(caught.value).isprintable()


@given(st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_bytes_get_an_answer(content):
    with pytest.raises(ReportError):
        parse(content)


def places(value, path=()):
    """Every place in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from places(item, (*path, key))


def test_one_changed_value_never_breaks_the_reader():
    """Whatever stands in one place, the answer is a report or a ReportError."""
    choice = random.Random(20261122)
    strange = [None, True, 0, 1, -1, 0.5, -0.0, 1e-300, 3e38, 2**53 - 1, "", "x", [], {}, [{}]]
    text, everywhere = json.dumps(SMALLEST), list(places(SMALLEST))
    outcomes = set()
    for _ in range(300):
        document = json.loads(text)
        *steps, last = choice.choice(everywhere)
        place = document
        for step in steps:
            place = place[step]
        place[last] = choice.choice(strange)
        outcomes.add(bool(validate(document)))
    assert outcomes == {True, False}


def test_the_limit_counts_bytes_before_parsing(tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(40 * MAX_REPORT_BYTES)
    with pytest.raises(ReportError, match=f"larger than {MAX_REPORT_BYTES:,} bytes"):
        read_report(path)


def test_what_is_no_regular_file_is_refused(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, Path("/dev/null"), tmp_path / "missing", Path("a\0b")):
        with pytest.raises(UnreadableFileError) as caught:
            read_report(path)
        assert caught.value.exit_code == 2


def test_an_error_names_the_line():
    with pytest.raises(HubmaxactError, match="line 3, column 1"):
        load(b'{\n"a": 1,\n}')
    with pytest.raises(HubmaxactError, match="at line 2"):
        load(b'{"NaN": "NaN",\n"a": NaN}')


def test_words_inside_strings_are_only_words():
    assert load(b'{"a": "NaN [[[ \\" Infinity ]"}') == {"a": 'NaN [[[ " Infinity ]'}
