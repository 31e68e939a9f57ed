"""A report of a large model made to fit: what is told last is left out first."""

import copy
import json
from collections.abc import Callable

from hubmaxact.report.document import MAX_WRITTEN_BYTES, Report
from hubmaxact.report.roles import ROLE_BY_NAME

MOST_BYTES = MAX_WRITTEN_BYTES * 31 // 32
"""Of a report without the spaces and line ends that its layout adds."""


def fitted(report: Report) -> Report:
    """Return the report as it is, or with as little left out as makes it fit.

    Left out are, in this order, the maxima of single experts, and all but the largest value of rows
    outside M and then of every row. None of it is needed to read the rest.

    Args:
        report: Whole.

    Returns:
        The same if it fits; else a copy.
    """
    if _size(report) <= MOST_BYTES:
        return report
    shorter = copy.deepcopy(report)
    for leave_out in LEFT_OUT:
        leave_out(shorter)
        if _size(shorter) <= MOST_BYTES:
            break
    return shorter


def _size(report: Report) -> int:
    return len(json.dumps(report))


def _single_experts(report: Report) -> None:
    for row in report["experts"]:
        for maxima in (row.get("input"), row.get("down_input")):
            if maxima is not None:
                maxima["per_expert"] = None


def _beside_m(report: Report) -> None:
    for site in report["sites"]:
        if not ROLE_BY_NAME[site["role"]].in_global_max:
            del site["top"][1:]


def _everywhere(report: Report) -> None:
    for site in report["sites"]:
        del site["top"][1:]


LEFT_OUT: tuple[Callable[[Report], None], ...] = (_single_experts, _beside_m, _everywhere)
