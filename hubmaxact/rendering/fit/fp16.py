"""fp16: whether anything exceeded its range; never that a model fits."""

from hubmaxact.formats import FP16_LIMIT
from hubmaxact.rendering import numbers, words
from hubmaxact.rendering.fit.levels import NEAR
from hubmaxact.rendering.fit.verdict import NOT_KNOWN, Name, Verdict
from hubmaxact.report.derived import Where
from hubmaxact.report.document import Report
from hubmaxact.report.excess import SCALED, first_beyond
from hubmaxact.report.roles import ROLE_BY_NAME
from hubmaxact.report.watched_rows import WatchedRow, watched_rows

TITLE = "fp16"
LIMIT = f"{FP16_LIMIT:,.0f}"


def verdict(report: Report, name: Name) -> Verdict:
    """Hold every watched tensor against fp16's largest value.

    Args:
        report: Of any profile.
        name: Makes a module's name fit for where the words stand.

    Returns:
        "exceeded", "little room" or "not exceeded"; "not known" where a tensor was not seen, or
        not finite, and nothing else exceeded it.
    """
    where = report["dtype_headroom"]["float16"]["where"]
    return _exceeded(report, where, name) if where is not None else _not_exceeded(report, name)


def _exceeded(report: Report, where: Where, name: Name) -> Verdict:
    reach = "infinity"
    if where["abs_max"] is not None:
        times = numbers.ratio(where["abs_max"] / FP16_LIMIT)
        reach = f"{words.reached(where)} is {times} {LIMIT}"
    place = words.title(where["role"], where["layer"])
    return Verdict(
        title=TITLE,
        word="exceeded",
        standing="beyond",
        number=reach,
        condition=f"in the {place}, unscaled{_first(report, where)}",
        module=name(where["module"]),
    )


def _first(report: Report, where: Where) -> str:
    """Where a forward pass overflows first; empty where that is the layer that goes furthest."""
    rows = first_beyond(report, SCALED)
    if any((row.role, row.layer) == (where["role"], where["layer"]) for row in rows):
        return ""
    titles = dict.fromkeys(ROLE_BY_NAME[row.role].title for row in rows)
    layer = "" if rows[0].layer is None else f"layer {rows[0].layer}: "
    return f"; first in {layer}{', '.join(titles)}"


def _not_exceeded(report: Report, name: Name) -> Verdict:
    tokens = numbers.count(report["protocol"]["corpus"]["num_tokens"], "token")
    largest = max(watched_rows(report), key=lambda row: row.abs_max or 0.0)
    reach = largest.abs_max or 0.0
    share = f"; {numbers.value(reach)} is {numbers.percent(reach / FP16_LIMIT)} of it"
    doubt = _doubt(report)
    near = reach >= NEAR * FP16_LIMIT
    return Verdict(
        title=TITLE,
        word=NOT_KNOWN if doubt else "little room" if near else "not exceeded",
        standing="unknown" if doubt else "near" if near else "within",
        number=f"no watched tensor exceeded {LIMIT} in {tokens}{share if reach else ''}",
        condition=doubt or _place(largest),
        module=name(largest.module) if reach else "",
    )


def _place(row: WatchedRow) -> str:
    return f"in the {words.title(row.role, row.layer)}" if row.abs_max else ""


def _doubt(report: Report) -> str:
    """Why what was not seen may be the largest of all; empty where nothing was missed."""
    if report["status"] == "non_finite":
        return "NaN or infinity did occur"
    missing = len(report["coverage"]["missing"])
    return f"{numbers.count(missing, 'expected tensor')} never seen" if missing else ""
