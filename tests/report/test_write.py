"""Writing is deterministic, finite, small, and readable line by line."""

import copy
import json
import math

import example_reports
import pytest

from hubmaxact.errors import ReportError
from hubmaxact.report.read import parse
from hubmaxact.report.write import MAX_WRITTEN_BYTES, UnwritableReportError, digest, report_bytes

REPORTS = {
    "dense": lambda: example_reports.dense_report(12),
    "moe": example_reports.moe_report,
    "partial": example_reports.partial_report,
    "non_finite": example_reports.non_finite_report,
    "few": example_reports.few_samples_report,
}


@pytest.mark.parametrize("name", REPORTS)
def test_what_is_written_is_read_back(name):
    report = REPORTS[name]()
    content = report_bytes(report)
    assert parse(content) == report
    assert report_bytes(parse(content)) == content
    assert content.isascii()
    assert content.endswith(b"}\n")


def test_every_site_and_every_format_row_has_a_line_of_its_own():
    report = example_reports.dense_report(12)
    lines = report_bytes(report).decode().splitlines()
    sites = [line for line in lines if line.startswith('    {"role": ')]
    rows = [line for line in lines if line.startswith('      {"site": ')]
    assert len(sites) == len(report["sites"])
    assert len(rows) == len(report["quantization"]["formats"])
    assert [json.loads(line.rstrip(",")) for line in sites] == report["sites"]


def test_minus_zero_is_written_as_zero():
    report = example_reports.small_report()
    twin = copy.deepcopy(report)
    report["sites"][0]["zero_fraction"] = 0.0
    twin["sites"][0]["zero_fraction"] = -0.0
    assert math.copysign(1, twin["sites"][0]["zero_fraction"]) == -1
    assert report_bytes(twin) == report_bytes(report)
    assert digest(twin) == digest(report)


def test_numbers_and_words_of_other_libraries_are_written_as_plain_ones():
    class Number(float):
        """As numpy's float64, a float that is more."""

    class Word(str):
        """As torch's version."""

        __slots__ = ()

    report = example_reports.small_report()
    twin = copy.deepcopy(report)
    twin["global_max"]["value"] = Number(report["global_max"]["value"])
    twin["environment"]["torch"] = Word(report["environment"]["torch"])
    assert report_bytes(twin) == report_bytes(report)


def test_an_invalid_report_is_not_written():
    report = example_reports.small_report(model={"num_layers": 3})
    with pytest.raises(ReportError, match=r"must not be written.*num_layers is 3"):
        report_bytes(report)


def test_a_report_that_cannot_be_written_is_not_the_users_no():
    """Exit code 1 says that a report is false; this one was just measured."""
    report = example_reports.small_report()
    report["sites"][3]["module"] = "layers.0 mlp"
    with pytest.raises(UnwritableReportError) as caught:
        report_bytes(report)
    assert caught.value.exit_code == 2
    assert "sites[3].module: must be" in str(caught.value)
    assert "a fault of hubmaxact, or of a name in the checkpoint" in str(caught.value)


def test_a_report_beyond_the_limit_is_not_written():
    with pytest.raises(UnwritableReportError, match=r"it has [0-9,]+ bytes; the limit is"):
        report_bytes(example_reports.moe_report(200, 512))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_not_written(number):
    report = example_reports.small_report()
    report["sites"][0]["mean"] = number
    with pytest.raises(ReportError, match=r"sites\[0\]\.mean"):
        report_bytes(report)


def test_the_largest_checkpoint_fits():
    """130 layers with five roles each and 512 experts, five top values at every site."""
    content = report_bytes(example_reports.moe_report(130, 512))
    assert len(content) < MAX_WRITTEN_BYTES * 0.8
