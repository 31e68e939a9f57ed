"""How sure M is, report by report: what parts of the texts reach, and what more would."""

from collections.abc import Sequence

from hubmaxact.comparison.comparison import CertaintyCell
from hubmaxact.rendering.certainty_words import why_not_by_text
from hubmaxact.report.document import Report


def certainties(reports: Sequence[Report]) -> tuple[CertaintyCell, ...]:
    """One cell for each report."""
    return tuple(map(_cell, reports))


def _cell(report: Report) -> CertaintyCell:
    found = report["stability"]
    return CertaintyCell(
        subsets=tuple(found["subsets"]),
        no_subsets=found["reason"],
        by_text=found.get("by_text"),
        not_by_text=why_not_by_text(report),
    )
