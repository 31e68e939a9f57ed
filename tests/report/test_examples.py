"""schema/examples: what must pass passes, what must not does not, for the reason given."""

import json

import deployed_reports
import end_to_end_reports
import example_reports
import pooled_reports
import pytest
from invalid_report_files import FILES
from shipped_reports import SHIPPED

from hubmaxact.errors import ReportError
from hubmaxact.report.read import InvalidReportError, parse, read_report
from hubmaxact.report.write import report_bytes

VALID = {
    "dense": example_reports.small_report,
    "dense_beyond_fp16": lambda: example_reports.dense_report(6, 2048, 696_320.0),
    "moe_with_ties": lambda: example_reports.moe_report(5, 16),
    "partial": example_reports.partial_report,
    "non_finite": example_reports.non_finite_report,
    "too_few_samples": example_reports.few_samples_report,
    "deployment": lambda: deployed_reports.deployment_report(rounded=True),
    "end_to_end": end_to_end_reports.end_to_end_report,
    **SHIPPED,
    "deployment_moe": lambda: pooled_reports.switched_off(
        deployed_reports.counted(deployed_reports.deployment_report(num_experts=4, rounded=True))
    ),
}


@pytest.mark.parametrize("name", VALID)
def test_a_valid_example_is_what_the_writer_writes(name, golden, schema_folder):
    report = VALID[name]()
    golden(schema_folder / "examples" / "valid" / f"{name}.json", report_bytes(report))
    assert parse(report_bytes(report)) == report


def test_every_valid_example_reads(schema_folder):
    paths = sorted((schema_folder / "examples" / "valid").iterdir())
    assert [path.stem for path in paths] == sorted(VALID)
    for path in paths:
        read_report(path)


def test_examples_cover_every_status(schema_folder):
    reports = [read_report(path) for path in (schema_folder / "examples" / "valid").iterdir()]
    assert {report["status"] for report in reports} == {"complete", "partial", "non_finite"}
    assert any(len(report["global_max"]["carriers"]) > 1 for report in reports)
    assert any(experts["never_routed"] for report in reports for experts in report["experts"])


def test_examples_cover_what_reports_of_deployment_may_say(schema_folder):
    reports = [read_report(path) for path in (schema_folder / "examples" / "valid").iterdir()]
    reports = [report for report in reports if report["protocol"]["profile"] == "deployment"]
    tails = {report["stability"]["by_text"]["all_tokens"]["tail"] is None for report in reports}
    tokens = [
        each.get("tokens", "left out")
        for report in reports
        for row in report["dtype_headroom"].values()
        for each in row["exceeded_by"]
    ]
    assert {report["protocol"]["format_errors"] for report in reports} == {"all", "per_tensor"}
    assert all(report["quantization"]["pooled"] for report in reports)
    assert tails == {True, False}
    assert {None, "left out", 700} <= set(tokens)


def test_every_invalid_example_is_refused_for_its_reason():
    other = {}
    for name, (content, reason) in FILES.items():
        said = complaints(content)
        if not any(reason in words for words in said):
            other[name] = said
        assert all(len(words) < 500 and words.isprintable() for words in said), name
    assert other == {}


def complaints(content):
    """Everything that is said about a file; empty when it is a report."""
    try:
        parse(content)
    except InvalidReportError as error:
        return [str(problem) for problem in error.problems]
    except ReportError as error:
        return [str(error)]
    return []


def test_every_invalid_example_is_the_file_in_the_schemas_folder(golden, schema_folder):
    for name, (content, _) in FILES.items():
        golden(schema_folder / "examples" / "invalid" / f"{name}.json", content)


def test_every_invalid_example_has_its_reason_beside_it(golden, schema_folder):
    folder = schema_folder / "examples" / "invalid"
    reasons = {f"{name}.json": reason for name, (_, reason) in FILES.items()}
    golden(folder / "reasons.json", json.dumps(reasons, indent=2) + "\n")
    assert sorted(p.name for p in folder.iterdir()) == sorted([*reasons, "reasons.json"])
