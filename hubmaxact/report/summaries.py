"""Figures that follow from a report: maxima by layer, the INT8 diagnostic, ratios of maxima.

Each is worked out here and nowhere else. Pure; knows nothing of how they are shown.
"""

from typing import NamedTuple

from hubmaxact.report.derived import FormatRow
from hubmaxact.report.document import Report
from hubmaxact.report.watched_rows import watched_rows

HIDDEN = "hidden_state"


def per_layer(report: Report, role: str) -> list[float | None]:
    """The largest |x| of a role in each layer, over its parts; None where nothing was seen."""
    largest: list[float | None] = [None] * report["model"]["num_layers"]
    for site in report["sites"]:
        layer, abs_max = site["layer"], site["abs_max"]
        if site["role"] == role and layer is not None and abs_max is not None:
            largest[layer] = max(largest[layer] or 0.0, abs_max)
    return largest


def num_non_finite(report: Report) -> int:
    """How many watched tensors held NaN or infinity."""
    return sum(bool(row.num_nan + row.num_inf) for row in watched_rows(report))


def ratio(before: float | None, after: float | None) -> float | None:
    """After over before; 1 for two zeros, None where there is nothing to divide by."""
    if before is None or after is None:
        return None
    if before == after:
        return 1.0
    return after / before if before else None


def rows_at_peak(report: Report) -> list[FormatRow]:
    """Rows of every format at the site that global_max names; none without M."""
    peak = report["global_max"]
    if peak is None:
        return []
    site = {"role": peak["role"], "layer": peak["layer"], "part": peak["part"]}
    return [row for row in report["quantization"]["formats"] if row["site"] == site]


def int8_rows(report: Report) -> list[FormatRow]:
    """The INT8 rows of a report, per tensor."""
    return [row for row in report["quantization"]["formats"] if _is_int8(row)]


def int8_at_peak(report: Report) -> dict[str, FormatRow]:
    """The per-tensor INT8 row at the site that global_max names, under the name of its policy."""
    return {row["policy"]: row for row in rows_at_peak(report) if _is_int8(row)}


class Decibels(NamedTuple):
    """SQNR of one policy: over the hidden states, at M and at the final norm (dB or None)."""

    policy: str
    lowest: tuple[float, int | None]
    median: float
    highest: float
    at_peak: float | None
    final_norm: float | None


def shown_int8_rows(report: Report, policy: str) -> list[FormatRow]:
    """Return the INT8 rows of a policy that figures are told of; the rest changes none of them.

    Args:
        report: Any.
        policy: Of its rows.

    Returns:
        At M and of every role but the hidden states; of these the lowest, the median and the
        highest SQNR, and one for each reason why there is none.
    """
    rows = [row for row in int8_rows(report) if row["policy"] == policy]
    at_peak = rows_at_peak(report)
    hidden = [row for row in rows if row["site"]["role"] == HIDDEN]
    known = sorted((row for row in hidden if row["sqnr_db"] is not None), key=_level)
    reasons = {row["reason"]: row for row in reversed(hidden) if row["sqnr_db"] is None}
    shown = [*at_peak, *reasons.values(), *_with_their_median(known, at_peak)]
    return [row for row in rows if row["site"]["role"] != HIDDEN or row in shown]


def _with_their_median(known: list[FormatRow], wanted: list[FormatRow]) -> list[FormatRow]:
    """The first and the last of rows in order, the lower median and those wanted: few more."""
    middle = (len(known) - 1) // 2
    kept = {0, middle, len(known) - 1} | {n for n, row in enumerate(known) if row in wanted}
    # The median stays the median: above it stand as many as below, or one more.
    more = sum(n < middle for n in kept) - sum(n > middle for n in kept)
    above = [n for n in range(middle + 1, len(known)) if n not in kept]
    kept |= set(above[: max(0, more)])
    return [row for n, row in enumerate(known) if n in kept]


def decibels(report: Report) -> list[Decibels]:
    """The INT8 diagnostic in a row for each policy that has values on hidden states."""
    summary, at_peak = [], int8_at_peak(report)
    rows = [row for row in int8_rows(report) if row["sqnr_db"] is not None]
    for policy in dict.fromkeys(row["policy"] for row in rows):
        known = [row for row in rows if row["policy"] == policy]
        hidden = sorted(_level(row) for row in known if row["site"]["role"] == HIDDEN)
        if hidden:
            middle = hidden[(len(hidden) - 1) // 2][0]
            peak = at_peak[policy]["sqnr_db"] if policy in at_peak else None
            norm = _of_role(known, "final_norm")
            summary.append(Decibels(policy, hidden[0], middle, hidden[-1][0], peak, norm))
    return summary


def _level(row: FormatRow) -> tuple[float, int]:
    return row["sqnr_db"] or 0.0, row["site"]["layer"] or 0


def _of_role(rows: list[FormatRow], role: str) -> float | None:
    return next((row["sqnr_db"] for row in rows if row["site"]["role"] == role), None)


def _is_int8(row: FormatRow) -> bool:
    return row["format"] == "int8" and row["granularity"] == "per_tensor"
