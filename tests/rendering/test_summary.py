"""The summary: sentence, verdicts and facts that the section begins with, and no more."""

import deployed_reports
import example_reports
import pooled_reports
import pytest

from hubmaxact.rendering import section, summary

REPORTS = {
    "deployment": lambda: deployed_reports.deployment_report(rounded=True),
    "earlier": deployed_reports.deployment_report,
    "pooled": pooled_reports.pooled_report,
    "dense": example_reports.dense_report,
    "huge": example_reports.huge_report,
    "partial": example_reports.partial_report,
    "non_finite": example_reports.non_finite_report,
    "few_samples": example_reports.few_samples_report,
}


@pytest.mark.parametrize("name", ["deployment", "earlier", "pooled", "dense", "non_finite"])
def test_the_summary_is_what_it_was(name, golden):
    golden(f"summary_{name}.md", f"{summary.render(REPORTS[name]())}\n")


@pytest.mark.parametrize("name", REPORTS)
def test_a_section_begins_with_the_summary(name):
    report = REPORTS[name]()
    assert section.compose(report, "0" * 64).startswith(
        f"{section.HEADING}\n\n{summary.render(report)}\n\n"
    )


def test_without_a_finite_value_no_number_stands_for_m():
    report = example_reports.small_report() | {"global_max": None}
    said, *rows = summary.render(report).splitlines()
    assert said.endswith("no watched tensor held a finite value.")
    assert "- **Largest activation, M**: No finite value." in rows
