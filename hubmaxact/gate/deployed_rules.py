"""Rules on what deployed kernels see: errors of formats, the cache's range, the model's own loss.

As everywhere in a gate, nothing passes for want of a value, and a limit itself is allowed.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hubmaxact.deployed_formats import CACHED, KINDS, LINEAR_INPUT, LINEAR_INPUTS, MAX_ABS
from hubmaxact.formats import LARGEST_FINITE, full_name
from hubmaxact.gate.limits import DEPLOYED, Limits
from hubmaxact.gate.outcome import Outcome, apart, exact, failed
from hubmaxact.printable import printable
from hubmaxact.rendering import numbers
from hubmaxact.report.derived import EndToEndRow, Interval, PooledRow
from hubmaxact.report.document import Report
from hubmaxact.report.watched_rows import watched_rows

PER_TENSOR = "per_tensor"
LOWEST = "lowest"
"""Before a way of rounding and a colon: what is held to the limit is the tensor rounded worst."""

MOST_LISTED = 8


class Way(NamedTuple):
    """A way of rounding as a user names it."""

    number_format: str
    granularity: str
    policy: str | None

    def names(self, row: PooledRow | EndToEndRow) -> bool:
        """Whether a row is rounded this way."""
        same = (row["format"], row["granularity"]) == (self.number_format, self.granularity)
        return same and self.policy in (None, row["policy"])


def cache_not_exceeding(limits: Limits, report: Report, _: Report | None) -> Iterator[Outcome]:
    """No key or value, as the cache is given them, exceeds the format's largest finite value."""
    for name in limits.cache_not_exceeding:
        rule, limit = f"cache_not_exceeding {name}", LARGEST_FINITE[name]
        rows = [row for row in watched_rows(report) if row.role in CACHED]
        broken = sum(bool(row.num_nan + row.num_inf) for row in rows)
        largest = max(rows, key=lambda row: row.abs_max or 0.0, default=None)
        if "kv" not in report or largest is None:
            yield failed(rule, limit, "the report has no keys and values")
        elif broken:
            tensors = numbers.count(broken, "key or value tensor", "key and value tensors")
            yield failed(rule, limit, f"{tensors} held NaN or infinity")
        else:
            value = largest.abs_max or 0.0
            yield Outcome(
                rule=rule,
                passed=value <= limit and not _missing(report),
                value=value,
                limit=limit,
                detail=f"the largest |{largest.role}| is {exact(value)} in layer {largest.layer}; "
                f"{name} ends at {exact(limit)}{_missing(report)}",
            )


def min_pooled_sqnr_db(limits: Limits, report: Report, _: Report | None) -> Iterator[Outcome]:
    """Tensors of a kind keep the SQNR of each [lowest:]FORMAT/GRANULARITY[/POLICY][@KIND].

    All together, or the one that is rounded worst. Without a policy, a tensor's scale is that of
    its maximum, and the cache's as well; tokens and blocks have but one.
    """
    for wanted, limit in limits.min_sqnr_db.items():
        if DEPLOYED not in wanted:
            continue
        rule = f"min_sqnr_db {wanted}"
        of, _colon, named = wanted.rpartition(":")
        name, _at, kind = named.partition("@")
        way, kind = _way(name), kind or LINEAR_INPUT
        rows = [r for r in report["quantization"].get("pooled", ()) if r["kind"] == kind]
        found = [row for row in rows if of in {"", LOWEST} and way.names(row)]
        if not found or found[0]["sqnr_db"] is None:
            yield failed(rule, limit, _why_no_sqnr(wanted, kind, rows, found))
        else:
            yield _sqnr(rule, limit, found[0], found[0]["sqnr_db"], of)


def _sqnr(rule: str, limit: float, row: PooledRow, pooled: float, of: str) -> Outcome:
    """The SQNR of all tensors together or of the worst, held to the limit; the other is told."""
    tensors = numbers.count(row["num_tensors"], "tensor")
    lowest, where = pooled, ""
    if row["worst"]:
        lowest, where = row["worst"][0]["sqnr_db"], printable(row["worst"][0]["module"])
    if of == LOWEST:
        value, over = lowest, f"in {where or tensors}, the lowest of {tensors}"
    else:
        value, over = pooled, f"over {tensors}" + (f", {lowest:.1f} dB in {where}" if where else "")
    detail = f"SQNR is {apart(value, limit)} dB {over}; the limit is {exact(limit)} dB"
    return Outcome(rule=rule, passed=value >= limit, value=value, limit=limit, detail=detail)


def max_loss_change(limits: Limits, report: Report, _: Report | None) -> Iterator[Outcome]:
    """The upper end of the change in loss under [TARGET:]FORMAT/GRANULARITY[/POLICY] is small."""
    for wanted, limit in limits.max_loss_change.items():
        rule = f"max_loss_change {wanted}"
        target, _colon, name = wanted.rpartition(":")
        way, target = _way(name), target or LINEAR_INPUTS
        runs = (report.get("end_to_end") or {"rows": []})["rows"]
        found = [row for row in runs if row["target"] == target and way.names(row)]
        change = found[0]["loss_change"] if found else None
        if change is None:
            yield failed(rule, limit, _why_no_loss(wanted, runs, found))
        else:
            yield _loss(rule, limit, change)


def _loss(rule: str, limit: float, change: Interval) -> Outcome:
    return Outcome(
        rule=rule,
        passed=change["high"] <= limit,
        value=change["high"],
        limit=limit,
        detail=f"loss changes by {change['mean']:+.3g} nats a token, at most by "
        f"{apart(change['high'], limit)}; the limit is {exact(limit)}",
    )


def _way(name: str) -> Way:
    number_format, granularity, policy = (*name.split("/", 2), "", "")[:3]
    default = MAX_ABS if granularity == PER_TENSOR else None
    return Way(full_name(number_format), granularity, policy or default)


def _why_no_sqnr(
    wanted: str, kind: str, rows: Sequence[PooledRow], found: Sequence[PooledRow]
) -> str:
    if found:
        return f"no value: {printable(found[0]['reason'] or '', 256)}"
    if kind not in KINDS:
        return f"{printable(kind, 40)} is no kind of tensor ({', '.join(KINDS)})"
    return f"no row of {printable(wanted, 80)} (rows: {_listed(rows)})"


def _why_no_loss(wanted: str, runs: Sequence[EndToEndRow], found: Sequence[EndToEndRow]) -> str:
    if found:
        return f"no value: {printable(found[0]['reason'] or '', 256)}"
    return f"no run with rounding of {printable(wanted, 80)} (runs: {_listed(runs)})"


def _listed(rows: Sequence[PooledRow] | Sequence[EndToEndRow]) -> str:
    names = [f"{row['format']}/{row['granularity']}/{row['policy']}" for row in rows]
    known = [printable(name, 80) for name in dict.fromkeys(names)]
    more = [f"and {len(known) - MOST_LISTED} more"] if len(known) > MOST_LISTED else []
    return ", ".join([*known[:MOST_LISTED], *more]) or "none"


def _missing(report: Report) -> str:
    """What of keys and values was never seen, which may be the largest of all."""
    lost = sum(row["role"] in CACHED for row in report["coverage"]["missing"])
    return f" ({numbers.count(lost, 'key or value', 'keys and values')} never seen)" if lost else ""
