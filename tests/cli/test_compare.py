"""`hubmaxact compare` answers on stdout and refuses on stderr, in one sentence."""

import json
import os

import example_reports
import pytest
from command import hubmaxact
from comparison.releases import first_release, second_release, written

from hubmaxact import compare
from hubmaxact.comparison import to_json, to_markdown

ROUNDED = {"counts_rounded_to": "bfloat16"}
FLOAT16 = {"dtype": "float16"} | ROUNDED


@pytest.fixture
def pair(tmp_path):
    return written(tmp_path, before=first_release(), after=second_release())


def test_the_terminal_is_the_default(pair, tmp_path):
    result = hubmaxact("compare", *pair, home=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "From A to B" in result.stdout
    assert "87.4 times" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize(("form", "renderer"), [("json", to_json), ("markdown", to_markdown)])
def test_other_forms_are_those_of_the_library(pair, tmp_path, form, renderer):
    result = hubmaxact("compare", *pair, "--format", form, home=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == renderer.render(compare(*pair))


def test_different_protocols_are_refused_in_one_sentence(tmp_path):
    other = first_release(protocol=FLOAT16 | {"max_seq_len": 8192, "batch_tokens": 99})
    pair = written(tmp_path, a=first_release(protocol=ROUNDED), b=other)
    result = hubmaxact("compare", *pair, home=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    name = "example-org/Example-8B@c3499c272973"
    assert result.stderr == (
        "hubmaxact: the reports were measured under different protocols: "
        f"max_seq_len is 4096 in {name} (a.json) and 8192 in {name} (b.json); "
        f"dtype is bfloat16 in {name} (a.json) and float16 in {name} (b.json) "
        f"(and, no obstacle by itself: batch_tokens is 16384 in {name} (a.json) and 99 in {name} "
        "(b.json)); measure them alike, or compare them as they are with --across-protocols.\n"
    )


def test_across_protocols_the_differences_are_listed(tmp_path):
    reports = {"a": first_release(protocol=ROUNDED), "b": first_release(protocol=FLOAT16)}
    pair = written(tmp_path, **reports)
    result = hubmaxact("compare", *pair, "--across-protocols", home=tmp_path)
    assert result.returncode == 0
    assert "Measured under different protocols" in result.stdout
    assert "dtype *  bfloat16 in A; float16 in B" in result.stdout
    asked = ("--across-protocols", "--format", "json")
    document = json.loads(hubmaxact("compare", *pair, *asked, home=tmp_path).stdout)
    assert document["comparable"] is False
    (row,) = (row for row in document["protocol"] if row["differs"])
    assert row == {
        "field": "dtype",
        "decisive": True,
        "differs": True,
        "values": ["bfloat16", "float16"],
    }


@pytest.mark.parametrize("number", [1, 9])
def test_two_to_eight_reports(pair, tmp_path, number):
    result = hubmaxact("compare", *(pair * 5)[:number], home=tmp_path)
    assert result.returncode == 2
    assert f"compare takes 2 to 8 reports, found {number}." in result.stderr


def test_eight_reports_stand_side_by_side(pair, tmp_path):
    result = hubmaxact("compare", *(pair * 4), home=tmp_path)
    assert result.returncode == 0
    assert "H  example-org/Example-8B@" in result.stdout


def test_an_invalid_report_is_named_with_what_is_wrong(pair, tmp_path):
    pair[1].write_text(pair[1].read_text().replace('"num_layers": 12', '"num_layers": 11'))
    result = hubmaxact("compare", *pair, home=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"hubmaxact: {pair[1]}: sites[")
    assert "model.num_layers is 11" in result.stderr


def test_a_newer_report_and_a_missing_one_are_the_users_to_fix(pair, tmp_path):
    missing = hubmaxact("compare", pair[0], tmp_path / "none.json", home=tmp_path)
    assert missing.returncode == 2
    assert "none.json" in missing.stderr
    pair[1].write_text(pair[1].read_text().replace('"0.1"', '"0.7"', 1))
    newer = hubmaxact("compare", *pair, home=tmp_path)
    assert newer.returncode == 2
    assert "after.json: schema version 0.7 is newer" in newer.stderr


def test_a_hostile_file_name_cannot_steer_anything(tmp_path):
    local = {"id": None, "revision": None, "commit": None}
    (path,) = written(tmp_path, a=example_reports.small_report(model=local))
    evil = tmp_path / os.fsdecode(b"\x1b[31m<b>\xff\xe2\x80\xae|.json")
    path.rename(evil)
    (fine,) = written(tmp_path, b=example_reports.small_report(model=local))
    for form in ("terminal", "markdown", "json"):
        result = hubmaxact("compare", evil, fine, "--format", form, home=tmp_path)
        assert result.returncode == 0
        assert "\x1b" not in result.stdout
        assert "\u202e" not in result.stdout
        assert form == "terminal" or "<b>" not in result.stdout.replace("\\u001b[31m<b>", "")
