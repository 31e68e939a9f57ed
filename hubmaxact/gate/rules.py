"""The rules of a gate, each a function from limits and reports to what came of it.

Nothing passes for want of a value: a null fails with its reason, and so does a maximum over finite
values where NaN or infinity was seen. A limit itself is allowed: at most, at least.
"""

from collections.abc import Callable, Iterator

from hubmaxact.gate import deployed_rules
from hubmaxact.gate.limits import DEPLOYED, Limits
from hubmaxact.gate.outcome import Outcome, apart, exact, failed
from hubmaxact.printable import printable
from hubmaxact.rendering import numbers, words
from hubmaxact.report.derived import FormatRow
from hubmaxact.report.document import GlobalMax, Report
from hubmaxact.report.summaries import num_non_finite, ratio, rows_at_peak

DEFAULT_POLICY = "max_abs"


def outcomes(limits: Limits, report: Report, previous: Report | None) -> tuple[Outcome, ...]:
    """Apply every rule that is asked for; `previous` is the report at `limits.against`."""
    return tuple(found for rule in RULES for found in rule(limits, report, previous))


def max_abs(limits: Limits, report: Report, _: Report | None) -> Iterator[Outcome]:
    """M is at most the limit."""
    limit, peak = limits.max_abs, _peak(report)
    if limit is None:
        return
    if isinstance(peak, str):
        yield failed("max_abs", limit, peak)
        return
    where = words.title(peak["role"], peak["layer"])
    yield Outcome(
        rule="max_abs",
        passed=peak["abs_max"] <= limit,
        value=peak["abs_max"],
        limit=limit,
        detail=f"M is {exact(peak['abs_max'])} in the {where}; "
        f"the limit is {exact(limit)}{_caveat(report)}",
    )


def not_exceeding(limits: Limits, report: Report, _: Report | None) -> Iterator[Outcome]:
    """No watched tensor, gates and routers included, exceeds the format's largest finite value."""
    for name in limits.not_exceeding:
        row, peak = report["dtype_headroom"][name], _peak(report)
        rule, limit = f"not_exceeding {name}", row["largest_finite"]
        if isinstance(peak, str):
            yield failed(rule, limit, peak)
            continue
        largest = max(s["abs_max"] for s in report["sites"] if s["abs_max"] is not None)
        where = row["where"]
        place = f" in the {words.title(where['role'], where['layer'])}" if where else ""
        yield Outcome(
            rule=rule,
            passed=not row["exceeded"],
            value=largest,
            limit=limit,
            detail=f"the largest watched |x| is {exact(largest)}{place}; {name} ends at "
            f"{exact(limit)}{_caveat(report)}",
        )


def min_sqnr_db(limits: Limits, report: Report, _: Report | None) -> Iterator[Outcome]:
    """At the site that global_max names, the error of each FORMAT or FORMAT:POLICY is small.

    Several rows of one format and policy (granularities) count as their worst. Names of deployed
    formats, FORMAT/GRANULARITY, have a rule of their own.
    """
    for wanted, limit in limits.min_sqnr_db.items():
        if DEPLOYED in wanted:
            continue
        rule, peak = f"min_sqnr_db {wanted}", report["global_max"]
        rows = _rows(report, wanted)
        reason = _no_sqnr(report, wanted, rows)
        if reason or peak is None:
            yield failed(rule, limit, reason)
            continue
        value = min(row["sqnr_db"] or 0.0 for row in rows)
        where = words.title(peak["role"], peak["layer"])
        yield Outcome(
            rule=rule,
            passed=value >= limit,
            value=value,
            limit=limit,
            detail=f"SQNR is {apart(value, limit)} dB in the {where}, which carries M; "
            f"the limit is {exact(limit)} dB",
        )


def max_ratio(limits: Limits, report: Report, previous: Report | None) -> Iterator[Outcome]:
    """M over the earlier M is at most the limit."""
    if limits.max_ratio is None or previous is None:
        return
    rule, limit = "max_ratio", limits.max_ratio
    peak, earlier = _peak(report), _peak(previous)
    if isinstance(peak, str):
        yield failed(rule, limit, peak)
    elif isinstance(earlier, str):
        yield failed(rule, limit, f"in the earlier report, {earlier}")
    elif (value := ratio(earlier["abs_max"], peak["abs_max"])) is None:
        yield failed(rule, limit, "M of the earlier report is 0, which nothing can be held to")
    else:
        times = f"{apart(value, limit)} times the {exact(earlier['abs_max'])}"
        yield Outcome(
            rule=rule,
            passed=value <= limit,
            value=value,
            limit=limit,
            detail=f"M is {exact(peak['abs_max'])}, {times} of the earlier report; "
            f"the limit is {exact(limit)} times"
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


def no_remote_code(limits: Limits, report: Report, _: Report | None) -> Iterator[Outcome]:
    """No code of the checkpoint's own was run."""
    if not limits.no_remote_code:
        return
    own = report["model"]["remote_code"]
    files = ", ".join(file["path"] for file in report["model"].get("remote_code_files", ()))
    yield Outcome(
        rule="no_remote_code",
        passed=not own,
        value="own code" if own else "none",
        limit="none",
        detail=f"the checkpoint's own code was run ({printable(files)})"
        if own
        else "no code of the checkpoint's own was run",
    )


Rule = Callable[[Limits, Report, Report | None], Iterator[Outcome]]

RULES: tuple[Rule, ...] = (
    max_abs,
    not_exceeding,
    deployed_rules.cache_not_exceeding,
    min_sqnr_db,
    deployed_rules.min_pooled_sqnr_db,
    deployed_rules.max_loss_change,
    max_ratio,
    require_complete,
    no_remote_code,
)
"""Every rule; one that is not asked for yields nothing."""


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
