"""The rules of a gate, each a function from limits and reports to what came of it.

Nothing passes for want of a value: a null fails with its reason, and so does a maximum over finite
values where NaN or infinity was seen. A limit itself is allowed: at most, at least.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hubmaxact.gate.limits import Limits
from hubmaxact.printable import printable
from hubmaxact.rendering import numbers, words
from hubmaxact.report.derived import FormatRow
from hubmaxact.report.document import GlobalMax, Report
from hubmaxact.report.summaries import num_non_finite, ratio, rows_at_peak

DEFAULT_POLICY = "max_abs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one rule.

    Attributes:
        rule: Its name: max_abs, "not_exceeding float16", "min_sqnr_db int8", ...
        passed: Whether it was kept.
        value: What the report says; None when it says nothing.
        limit: What was asked.
        detail: One line for people.
    """

    rule: str
    passed: bool
    value: float | str | None
    limit: float | str
    detail: str


def outcomes(limits: Limits, report: Report, previous: Report | None) -> tuple[Outcome, ...]:
    """Apply every rule that is asked for; `previous` is the report at `limits.against`."""
    return tuple(found for rule in RULES for found in rule(limits, report, previous))


def max_abs(limits: Limits, report: Report, _: Report | None) -> Iterator[Outcome]:
    """M is at most the limit."""
    limit, peak = limits.max_abs, _peak(report)
    if limit is None:
        return
    if isinstance(peak, str):
        yield _failed("max_abs", limit, peak)
        return
    where = words.title(peak["role"], peak["layer"])
    yield Outcome(
        rule="max_abs",
        passed=peak["abs_max"] <= limit,
        value=peak["abs_max"],
        limit=limit,
        detail=f"M is {_exact(peak['abs_max'])} in the {where}; "
        f"the limit is {_exact(limit)}{_caveat(report)}",
    )


def not_exceeding(limits: Limits, report: Report, _: Report | None) -> Iterator[Outcome]:
    """No watched tensor, gates and routers included, exceeds the format's largest finite value."""
    for name in limits.not_exceeding:
        row, peak = report["dtype_headroom"][name], _peak(report)
        rule, limit = f"not_exceeding {name}", row["largest_finite"]
        if isinstance(peak, str):
            yield _failed(rule, limit, peak)
            continue
        largest = max(s["abs_max"] for s in report["sites"] if s["abs_max"] is not None)
        where = row["where"]
        place = f" in the {words.title(where['role'], where['layer'])}" if where else ""
        yield Outcome(
            rule=rule,
            passed=not row["exceeded"],
            value=largest,
            limit=limit,
            detail=f"the largest watched |x| is {_exact(largest)}{place}; {name} ends at "
            f"{_exact(limit)}{_caveat(report)}",
        )


def min_sqnr_db(limits: Limits, report: Report, _: Report | None) -> Iterator[Outcome]:
    """At the site that global_max names, the error of each FORMAT or FORMAT:POLICY is small.

    Several rows of one format and policy (granularities) count as their worst.
    """
    for wanted, limit in limits.min_sqnr_db.items():
        rule, peak = f"min_sqnr_db {wanted}", report["global_max"]
        rows = _rows(report, wanted)
        reason = _no_sqnr(report, wanted, rows)
        if reason or peak is None:
            yield _failed(rule, limit, reason)
            continue
        value = min(row["sqnr_db"] or 0.0 for row in rows)
        where = words.title(peak["role"], peak["layer"])
        yield Outcome(
            rule=rule,
            passed=value >= limit,
            value=value,
            limit=limit,
            detail=f"SQNR is {_apart(value, limit)} dB in the {where}, which carries M; "
            f"the limit is {_exact(limit)} dB",
        )


def max_ratio(limits: Limits, report: Report, previous: Report | None) -> Iterator[Outcome]:
    """M over the earlier M is at most the limit."""
    if limits.max_ratio is None or previous is None:
        return
    rule, limit = "max_ratio", limits.max_ratio
    peak, earlier = _peak(report), _peak(previous)
    if isinstance(peak, str):
        yield _failed(rule, limit, peak)
    elif isinstance(earlier, str):
        yield _failed(rule, limit, f"in the earlier report, {earlier}")
    elif (value := ratio(earlier["abs_max"], peak["abs_max"])) is None:
        yield _failed(rule, limit, "M of the earlier report is 0, which nothing can be held to")
    else:
        times = f"{_apart(value, limit)} times the {_exact(earlier['abs_max'])}"
        yield Outcome(
            rule=rule,
            passed=value <= limit,
            value=value,
            limit=limit,
            detail=f"M is {_exact(peak['abs_max'])}, {times} of the earlier report; "
            f"the limit is {_exact(limit)} times"
            f"{_caveat(report)}{_caveat(previous, 'the earlier report')}",
        )


def require_complete(limits: Limits, report: Report, _: Report | None) -> Iterator[Outcome]:
    """Everything expected was seen, and all of it was finite."""
    if not limits.require_complete:
        return
    said = [_missing(report), _not_finite(report)]
    yield Outcome(
        rule="require_complete",
        passed=report["status"] == "complete",
        value=report["status"],
        limit="complete",
        detail=" and ".join(filter(None, said)) or f"the report is {report['status']}",
    )


Rule = Callable[[Limits, Report, Report | None], Iterator[Outcome]]

RULES: tuple[Rule, ...] = (max_abs, not_exceeding, min_sqnr_db, max_ratio, require_complete)
"""Every rule; one that is not asked for yields nothing."""


def _failed(rule: str, limit: float, reason: str) -> Outcome:
    detail = f"{reason}; the limit is {_exact(limit)}"
    return Outcome(rule=rule, passed=False, value=None, limit=limit, detail=detail)


def _peak(report: Report) -> GlobalMax | str:
    """M, or why there is none to rely on."""
    broken = _not_finite(report)
    if report["global_max"] is None:
        return f"{broken or 'no watched tensor held a finite value'}, so there is no M"
    if broken:
        return f"{broken}, so the largest finite value is no bound"
    return report["global_max"]


def _not_finite(report: Report) -> str:
    broken = num_non_finite(report)
    return f"{numbers.count(broken, 'watched tensor')} held NaN or infinity" if broken else ""


def _missing(report: Report) -> str:
    missing = len(report["coverage"]["missing"])
    verb = "was" if missing == 1 else "were"
    return f"{numbers.count(missing, 'expected tensor')} {verb} never seen" if missing else ""


def _caveat(report: Report, owner: str = "the report") -> str:
    missing = _missing(report)
    return f" ({owner} is partial: {missing})" if missing else ""


def _rows(report: Report, wanted: str) -> list[FormatRow]:
    name, _, policy = wanted.partition(":")
    named = (name, policy or DEFAULT_POLICY)
    return [row for row in rows_at_peak(report) if (row["format"], row["policy"]) == named]


def _no_sqnr(report: Report, wanted: str, rows: list[FormatRow]) -> str:
    """Why there is no SQNR to rely on; empty when there is."""
    peak = report["global_max"]
    if peak is None:
        return "no watched tensor held a finite value, so no site carries M"
    key = (peak["role"], peak["layer"], peak["part"])
    sites = (s for s in report["sites"] if (s["role"], s["layer"], s["part"]) == key)
    if any(site["num_nan"] + site["num_inf"] for site in sites):
        return "the site that carries M held NaN or infinity, which the SQNR leaves out"
    if not rows:
        known = dict.fromkeys(f"{r['format']}:{r['policy']}" for r in rows_at_peak(report))
        listed = ", ".join(printable(name, 40) for name in known) or "none"
        return f"no row of {printable(wanted, 40)} at the site that carries M (rows: {listed})"
    nulls = [row["reason"] or "" for row in rows if row["sqnr_db"] is None]
    return f"no value: {printable(nulls[0], 256)}" if nulls else ""


def _exact(number: float) -> str:
    """An activation or a limit with every digit it has."""
    return f"{number:,.15g}"


def _apart(number: float, limit: float) -> str:
    """A quotient with four digits, or with as many as keep it on its side of the limit."""
    for digits in (4, 6, 9, 12):
        rounded = float(f"{number:.{digits}g}")
        if (rounded < limit, rounded > limit) == (number < limit, number > limit):
            return f"{rounded:,.{digits}g}"
    return repr(number)
