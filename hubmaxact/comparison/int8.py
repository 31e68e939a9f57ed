"""The INT8 diagnostic of a report in a few figures: at the site that carries M, and over layers."""

from collections.abc import Sequence

from hubmaxact.comparison.comparison import Int8Cell, Int8Row
from hubmaxact.report import summaries
from hubmaxact.report.document import Report


def int8_table(reports: Sequence[Report]) -> tuple[Int8Row, ...]:
    """One row for each policy that some report has."""
    policies = dict.fromkeys(r["policy"] for report in reports for r in summaries.int8_rows(report))
    return tuple(
        Int8Row(policy=policy, cells=tuple(_cell(report, policy) for report in reports))
        for policy in policies
    )


def _cell(report: Report, policy: str) -> Int8Cell | None:
    rows = [row for row in summaries.int8_rows(report) if row["policy"] == policy]
    if not rows:
        return None
    found = next((each for each in summaries.decibels(report) if each.policy == policy), None)
    return Int8Cell(
        at_peak=summaries.int8_at_peak(report).get(policy),
        lowest_db=found.lowest[0] if found else None,
        lowest_layer=found.lowest[1] if found else None,
        median_db=found.median if found else None,
        highest_db=found.highest if found else None,
        final_norm_db=found.final_norm if found else None,
        reason=None if found else next((row["reason"] for row in rows if row["reason"]), None),
    )
