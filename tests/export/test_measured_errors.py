"""An ignore list ranks by what rounding really lost, where that lies beside the report."""

import hashlib
import json
import math
import shutil

import pytest
from command import DENSE, hubmaxact_here
from exported import export

from hubmaxact import read_report
from hubmaxact.deployed_formats import LINEAR_INPUT, formats_of
from hubmaxact.report.write import report_bytes
from hubmaxact.sidecars.error_rows import decode, encode

NAME = "quantization.parquet"
WAYS = {way.name: way for way in formats_of(LINEAR_INPUT)}
DEFAULT = "int8/per_tensor/max_abs"
ALL = ("--below-db", 300)
FEW = ("--calibration-samples", 2, "--evaluation-samples", 1, "--output", "report.json")
TEXTS = ("The quick brown fox", "def f(x):\n    return x + 1", "12 + 30 = 42, or so they say")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured")
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in TEXTS))
    done = hubmaxact_here("measure", DENSE, "--corpus", "texts.jsonl", *FEW, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def made(made_once, tmp_path):
    """A copy, to be spoilt."""
    return shutil.copytree(made_once, tmp_path / "made")


def listed(folder, *words):
    done = export(folder, "report.json", "ignore-list", "--output", "ranked", *words)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "ranked").read_bytes()), done.stderr


def pooled(folder, name):
    """What the report says of all inputs together, rounded so."""
    way = WAYS[name]
    (row,) = (
        row
        for row in read_report(folder / "report.json")["quantization"]["pooled"]
        if (row["kind"], row["format"]) == (LINEAR_INPUT, way.format)
        and (row["granularity"], row["policy"]) == (way.granularity, way.policy)
    )
    return row


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ((), DEFAULT),
        (("--rounding", "int8"), DEFAULT),
        (("--rounding", "float8_e4m3fn/per_token"), "float8_e4m3fn/per_token/dynamic"),
        (("--rounding", "int8/per_tensor/mse"), "int8/per_tensor/mse"),
        (("--rounding", "nvfp4"), "nvfp4/block_16/max_abs"),
    ],
)
def test_the_worst_are_those_that_the_report_names(made_once, asked, name):
    found, told = listed(made_once, *ALL, *asked)
    expected = pooled(made_once, name)["worst"]
    kept = found["kept_wide"]
    assert found["rounding"] == name
    assert [row["modules"][0] for row in kept[:3]] == [row["module"] for row in expected]
    for row, worst in zip(kept, expected, strict=False):
        assert row["sqnr_db"] == pytest.approx(worst["sqnr_db"], abs=0.006)
    assert {row["sqnr_is"] for row in kept} == {"measured"}
    assert len(kept) == found["num_inputs"] == pooled(made_once, name)["num_tensors"]
    assert f"below 300 dB in {name}, measured" in told


def test_the_limit_parts_what_was_measured(made_once):
    everything, _ = listed(made_once, *ALL)
    limit = everything["kept_wide"][5]["sqnr_db"] + 0.01
    found, _ = listed(made_once, "--below-db", limit)
    kept = [row for row in everything["kept_wide"] if row["sqnr_db"] < limit]
    assert found["kept_wide"] == kept
    assert 5 < len(kept) < everything["num_inputs"]


def vanishing(folder, share):
    """Let the best of all inputs lose that share of its values, where INT8 has one scale for it."""
    path, report = folder / "report" / NAME, read_report(folder / "report.json")
    table = decode(path.read_bytes())
    keys = ("kind", "format", "granularity", "policy")
    chosen = (LINEAR_INPUT, *DEFAULT.split("/"))
    rows = [row for row in table if tuple(row[key] for key in keys) == chosen]
    best = max(rows, key=lambda row: row["sum_sq"] / row["err_sq"])
    best["underflow_rate"] = share
    (whole,) = (
        row for row in report["quantization"]["pooled"] if tuple(row[key] for key in keys) == chosen
    )
    zeros = math.fsum(row["underflow_rate"] * row["count"] for row in rows)
    whole["underflow_rate"] = zeros / whole["count"]
    content = encode(table, {})
    (told,) = (row for row in report["sidecars"] if row["name"] == NAME)
    told |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    path.write_bytes(content)
    (folder / "report.json").write_bytes(report_bytes(report))
    return best["module"]


@pytest.mark.parametrize(("share", "is_kept"), [(0.75, True), (0.5, False)])
def test_an_input_that_mostly_vanishes_is_kept_though_its_sqnr_is_high(made, share, is_kept):
    module = vanishing(made, share)
    found, told = listed(made)
    kept = {row["modules"][0]: row["underflow_rate"] for row in found["kept_wide"]}
    assert kept.get(module) == (share if is_kept else None)
    assert (f"Kept too: 1 input of which more than half of the values become zero, first {module} "
            "(75 %)." in told) == is_kept  # fmt: skip
    assert "Kept too" not in listed(made, *ALL)[1]


def test_without_the_file_the_default_is_estimated_and_says_so(made):
    measured, _ = listed(made, *ALL)
    (made / "report" / NAME).unlink()
    found, told = listed(made, *ALL)
    assert {row["sqnr_is"] for row in found["kept_wide"]} == {"estimated"}
    assert found["kept_wide"] != measured["kept_wide"]
    assert f"estimated from maxima where {NAME}" in told


def test_without_the_file_any_other_way_is_refused_by_name(made):
    (made / "report" / NAME).unlink()
    words = ("--output", "list", "--rounding", "float8_e4m3fn/per_token")
    done = export(made, "report.json", "ignore-list", *words)
    assert (done.returncode, (made / "list").exists()) == (2, False)
    assert (
        "what float8_e4m3fn/per_token/dynamic loses of the input of model.layers.0." in done.stderr
    )
    assert f"only {DEFAULT} can be estimated" in done.stderr


def test_a_way_that_the_run_left_out_is_refused(made_once, tmp_path):
    words = ("--corpus", made_once / "texts.jsonl", "--format-errors", "per-tensor")
    assert hubmaxact_here("measure", DENSE, *words, *FEW, cwd=tmp_path).returncode == 0
    assert listed(tmp_path, *ALL)[0]["kept_wide"][0]["sqnr_is"] == "measured"
    told = ("--output", "list", "--rounding", "int8/per_token")
    done = export(tmp_path, "report.json", "ignore-list", *told)
    assert (done.returncode, (tmp_path / "list").exists()) == (2, False)
    assert "int8/per_token/dynamic loses of the input of" in done.stderr


def test_another_file_in_its_place_is_refused(made):
    path = made / "report" / NAME
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    done = export(made, "report.json", "ignore-list", "--output", "list")
    assert (done.returncode, (made / "list").exists()) == (2, False)
    assert f"the {NAME} beside the report is not the one that it names" in done.stderr


@pytest.mark.parametrize("name", ["int9", "int8/per_channel", "int8/per_token/max_abs", ""])
def test_what_is_no_way_of_rounding_is_refused(made_once, name):
    done = export(made_once, "report.json", "ignore-list", "--output", "list", "--rounding", name)
    assert (done.returncode, (made_once / "list").exists()) == (2, False)
    assert f"--rounding {name} is no way of rounding; use {DEFAULT}," in done.stderr
