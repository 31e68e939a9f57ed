"""A report of a large model fits, with what is told last left out first."""

import copy
import json
import math

import deployed_reports
import pytest

from hubmaxact.comparison.build import compare
from hubmaxact.engine_files.request import Choices, Measured, NotExportableError
from hubmaxact.engine_files.table import FORMATS
from hubmaxact.formats import INT8_POLICIES
from hubmaxact.measurement.assembly import room
from hubmaxact.rendering import section
from hubmaxact.report.document import MAX_WRITTEN_BYTES, MOST_MEASURED_BYTES
from hubmaxact.report.read import parse
from hubmaxact.report.roles import ROLE_BY_NAME
from hubmaxact.report.summaries import decibels, shown_int8_rows
from hubmaxact.report.validate import validate
from hubmaxact.report.watched_rows import watched_rows
from hubmaxact.report.write import report_bytes
from hubmaxact.verification.sites import contradiction


def large(num_layers, num_experts):
    """Maxima of every expert, and five largest values in every row."""
    report = deployed_reports.deployment_report(
        num_layers, num_experts, hidden_size=7168, plain=True, rounded=True
    )
    for site in report["sites"]:
        first = site["top"][0]
        more = [first | {"token_id": 900_000 + n, "value": first["value"] / 2} for n in range(4)]
        site["top"] = [first, *more]
    for row in report["experts"]:
        for name in ("input", "down_input"):
            row[name]["per_expert"] = [3.4375] * num_experts
            row[name]["per_expert"][0] = 3.5
            for idle in row["never_routed"]:
                row[name]["per_expert"][idle] = None
    return report


def wide(num_experts, num_heads, more_maps):
    """A large model with all that makes a report long, in numbers of as many digits as real ones.

    Updates behind norms of their own, many maps and heads, long names, experts that idle.
    """
    maps = {f"self_attn.{n}_b_proj": (f"self_attn.{n}_b_proj",) for n in range(more_maps)}
    report = deployed_reports.deployment_report(
        128, num_experts, hidden_size=7168, rounded=True, num_heads=num_heads, more_maps=maps
    )
    for site in report["sites"]:
        site["mean"] = site["rms"] / 64.0001
        site["std"] = math.sqrt(site["rms"] ** 2 - site["mean"] ** 2)
        site["abs_mean"] = site["rms"] * 0.7500123938
        site["zero_fraction"] = 0.0004837219238281
        site["massive"]["max_ratio"] += 1 / 3
    for row in report["linear_inputs"]:
        row["rms"] *= 0.9912345
    for row in report["experts"]:
        row["never_routed"] = list(range(num_experts - 64, num_experts))
        row["tokens"]["least"] = 0
    named = json.dumps(report).replace('"model.layers', '"model.language_model.layers')
    return json.loads(named)


DIGEST = "0" * 64
FAMILIES = {"moe": (512, 8, 3), "dense": (0, 64, 5), "moe with many heads": (512, 64, 3)}


@pytest.fixture(scope="module")
def pairs():
    """Of each family a whole report, and what is left of it."""
    wholes = {name: wide(*sizes) for name, sizes in FAMILIES.items()}
    return {name: (whole, room.fitted(whole)) for name, whole in wholes.items()}


@pytest.fixture(scope="module")
def plain():
    """A report whose updates repeat what blocks put out, and what is left of it."""
    whole = large(128, 512)
    return whole, room.fitted(whole)


def test_a_report_that_fits_stays_as_it_is():
    report = large(8, 16)
    before = copy.deepcopy(report)
    assert room.fitted(report) is report
    assert report == before


def test_of_a_large_model_smaller_values_outside_m_go_first():
    whole = large(56, 384)
    fitted = room.fitted(whole)
    assert fitted is not whole
    for before, after in zip(whole["sites"], fitted["sites"], strict=True):
        in_m = ROLE_BY_NAME[before["role"]].in_global_max
        assert after["top"] == (before["top"] if in_m else before["top"][:1])
    assert fitted["experts"] == whole["experts"]
    assert validate(fitted) == []
    assert len(report_bytes(fitted)) <= MAX_WRITTEN_BYTES


def test_spaces_go_before_anything_is_left_out():
    report = large(54, 384)
    assert room.fitted(report) is report
    content = report_bytes(report)
    assert len(content) <= MOST_MEASURED_BYTES < len(json.dumps(report))
    assert parse(content) == report


def test_128_layers_of_512_experts_fit(plain):
    _, fitted = plain
    assert validate(fitted) == []
    assert len(report_bytes(fitted)) <= MAX_WRITTEN_BYTES
    assert fitted["coverage"]["mlp_update"] == {"expected": 0, "fired": 0, "absent": 128}
    assert all(row["input"]["per_expert"] is None for row in fitted["experts"])
    assert len(fitted["linear_inputs"]) == 6 * 128
    assert all(site["top"] for site in fitted["sites"])


@pytest.mark.by_day("moe", "moe with many heads")
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_fits_and_keeps_every_maximum(pairs, name):
    whole, fitted = pairs[name]
    assert validate(fitted) == []
    content = report_bytes(fitted)
    assert len(content) <= MOST_MEASURED_BYTES
    assert parse(content) == fitted
    assert list(watched_rows(fitted)) == list(watched_rows(whole))
    for block in ("coverage", "global_max", "max_by_role", "dtype_headroom"):
        assert fitted[block] == whole[block]


def test_figures_of_a_fitted_report_are_those_of_the_whole(pairs):
    whole, fitted = pairs["moe"]
    assert len(fitted["quantization"]["formats"]) < len(whole["quantization"]["formats"])
    assert decibels(fitted) == decibels(whole)
    # Pooled rows name the worst tensor alone, and so does the advice that is taken from them.
    bare = {**whole, "quantization": copy.deepcopy(whole["quantization"])}
    for row in bare["quantization"]["pooled"]:
        del row["worst"][1:]
    assert section.compose(fitted, DIGEST) == section.compose(bare, DIGEST)


def test_a_fitted_report_is_compared_as_the_whole_is(pairs):
    whole, fitted = pairs["moe"]
    found = compare(fitted, whole)
    assert found.comparable
    for rows in (found.int8, found.kv, found.by_role, found.verdicts):
        assert rows
        assert all(row.cells[0] == row.cells[1] for row in rows)


@pytest.mark.by_day("max_abs-63", "max_abs-127", "clip_q0.999-0")
@pytest.mark.parametrize("at_peak", [0, 40, 63, 64, 90, 127])
@pytest.mark.parametrize("policy", INT8_POLICIES)
def test_the_median_stays_wherever_m_is(at_peak, policy):
    report = deployed_reports.deployment_report(128, hidden_size=64)
    levels = sorted(
        (row for row in report["quantization"]["formats"] if row["policy"] == policy),
        key=lambda row: (row["site"]["role"] != "hidden_state", row["site"]["layer"] or 0),
    )
    for level, row in enumerate(levels):
        row["sqnr_db"] = 10.0 + level
    report["global_max"] |= levels[at_peak]["site"]
    told = next(row for row in decibels(report) if row.policy == policy)
    report["quantization"]["formats"] = kept = shown_int8_rows(report, policy)
    assert len(kept) <= 7
    assert decibels(report) == [told]


def test_places_stay_for_the_largest_of_each_role(pairs):
    whole, fitted = pairs["moe"]
    for role, row in whole["max_by_role"].items():
        (kept,) = {
            site["top"][0]["value"]
            for site in fitted["sites"]
            if site["role"] == role and site["top"] and abs(site["abs_max"]) == abs(row["value"])
        }
        assert kept == row["value"]


def test_what_a_small_report_leaves_out_is_refused():
    report = deployed_reports.deployment_report()
    report["sites"][0]["abs_quantiles"] = None
    report["kv"][0]["key"]["per_head"] = None
    del report["quantization"]["formats"][:2]
    assert {problem.path for problem in validate(report)} == {
        "sites[0].abs_quantiles",
        "kv[0].key.per_head",
        "quantization.formats",
    }


@pytest.mark.nightly
def test_without_single_heads_what_needs_them_is_refused_by_name(pairs):
    _, fitted = pairs["moe with many heads"]
    assert fitted["kv"][0]["key"]["per_head"] is None
    measured = Measured(fitted, DIGEST)
    for name in ("compressed-tensors-kv", "sglang-kv-json", "input-scales", "ignore-list"):
        FORMATS[name].make(measured, Choices())
    for name, choices in (
        ("compressed-tensors-kv", Choices(granularity="per_head")),
        ("sglang-kv-json", Choices(tensor_parallel=2)),
    ):
        with pytest.raises(NotExportableError, match="no room for the maxima of single heads"):
            FORMATS[name].make(measured, choices)


def test_updates_that_were_left_out_are_verified_by_what_they_repeat(plain):
    whole, fitted = plain
    batch = copy.deepcopy(whole["sites"])
    assert contradiction(fitted["sites"], batch, (), exact=True) is None
    update = next(site for site in batch if site["role"] == "mlp_update")
    update["abs_max"] *= 2
    assert update["module"] in contradiction(fitted["sites"], batch, (), exact=True)
