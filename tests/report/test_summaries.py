"""Figures that follow from a report, each against what its sites and rows say."""

import example_reports
import pytest

from hubmaxact.report import summaries
from hubmaxact.report.roles import ROLES

REPORTS = [
    example_reports.dense_report(),
    example_reports.moe_report(),
    example_reports.partial_report(),
    example_reports.few_samples_report(),
]


@pytest.mark.parametrize("report", REPORTS)
def test_a_layer_without_a_site_is_unknown_and_one_of_several_parts_has_the_largest(report):
    for role in (role.name for role in ROLES if role.per_layer):
        line = summaries.per_layer(report, role)
        assert len(line) == report["model"]["num_layers"]
        for layer, largest in enumerate(line):
            here = [s for s in report["sites"] if (s["role"], s["layer"]) == (role, layer)]
            known = [site["abs_max"] for site in here if site["abs_max"] is not None]
            assert largest == (max(known) if known else None)


def test_parts_of_one_layer_count_as_one():
    report = example_reports.small_report()
    first = next(site for site in report["sites"] if site["role"] == "mlp_output")
    first["part"] = "a"
    report["sites"].append(first | {"part": "b", "abs_max": 2 * first["abs_max"]})
    assert summaries.per_layer(report, "mlp_output")[first["layer"]] == 2 * first["abs_max"]


@pytest.mark.parametrize("report", REPORTS)
def test_the_int8_rows_at_m_are_those_of_its_site(report):
    peak, rows = report["global_max"], summaries.int8_at_peak(report)
    assert list(rows) == ["max_abs", "clip_q0.999"]
    for policy, row in rows.items():
        assert row["policy"] == policy
        assert row["site"] == {name: peak[name] for name in ("role", "layer", "part")}
    for found in summaries.decibels(report):
        assert found.at_peak == rows[found.policy]["sqnr_db"]


def test_another_format_at_m_is_a_row_there_and_none_of_int8():
    report = example_reports.small_report()
    known = summaries.rows_at_peak(report)
    other = known[0] | {"format": "float8_e4m3fn"}
    report["quantization"]["formats"].append(other)
    assert summaries.rows_at_peak(report) == [*known, other]
    assert list(summaries.int8_at_peak(report).values()) == known


def test_without_m_there_are_no_rows_at_it():
    report = example_reports.small_report() | {"global_max": None}
    assert summaries.rows_at_peak(report) == []
    assert summaries.int8_at_peak(report) == {}
    assert all(found.at_peak is None for found in summaries.decibels(report))


def test_tensors_that_held_nan_or_infinity_are_counted_once_each():
    report = example_reports.small_report()
    assert summaries.num_non_finite(report) == 0
    report["sites"][0] |= {"num_nan": 3, "num_inf": 2}
    report["sites"][1] |= {"num_inf": 1}
    assert summaries.num_non_finite(report) == 2
