"""Whether a release is easy or hard in low precision: a level and one honest sentence.

Speaks of fp16's range as the report found it on its texts, never of what fits. FP8 is used scaled,
so exceeding it unscaled is no verdict; the INT-8 diagnostic is quoted and never judged.
"""

from typing import Literal, TypedDict

from hubmaxact.catalog.row import Row
from hubmaxact.formats import FP16_LIMIT
from hubmaxact.page.protocol_label import SIMULATED
from hubmaxact.page.safe_text import shown
from hubmaxact.rendering import numbers, words
from hubmaxact.rendering.fit.levels import NEAR
from hubmaxact.report.roles import PAPER_ROLES, ROLE_BY_NAME
from hubmaxact.report.row_fields import field

PEAK = {"non_finite": "the largest finite value", "partial": "the largest value seen"}
"""What M is called when the run had a defect, by its status."""

Level = Literal["beyond", "near", "within", "unknown"]


class Verdict(TypedDict):
    """A release's standing in low precision."""

    level: Level
    words: str


def verdict(row: Row) -> Verdict:
    """Return the level and the sentence of one release."""
    level = _level(row)
    said = [_range(row, level), _place(row), _int8(row), _simulated(row)]
    return Verdict(level=level, words="; ".join(filter(None, said)) + ".")


def site(row: Row) -> str | None:
    """Where M sits, in words; None when that is not known."""
    role, layer = row["carrier_role"], row["carrier_layer"]
    if role is None:
        return None
    return words.title(role, layer) if role in ROLE_BY_NAME else shown(role)


def largest(row: Row) -> tuple[float, str | None] | None:
    """The largest magnitude on record and the role that holds it; M's own when they are equal."""
    known = [(row["abs_max"], row["carrier_role"])] if row["abs_max"] is not None else []
    by_role = ((field(row, f"max_{role.name}"), role.name) for role in PAPER_ROLES)
    known += [(abs(value), role) for value, role in by_role if value is not None]
    return max(known, key=lambda pair: pair[0] or 0.0, default=None)


def _level(row: Row) -> Level:
    exceeds, peak = row["exceeds_float16"], row["abs_max"]
    if exceeds:
        return "beyond"
    # What was not seen, or not finite, may be the largest of all.
    if exceeds is None or peak is None or row["status"] not in {"complete", None}:
        return "unknown"
    found = largest(row)
    return "near" if found and found[0] >= NEAR * FP16_LIMIT else "within"


def _range(row: Row, level: Level) -> str:
    if level == "beyond":
        return f"Hard in fp16: {_excess(row)}"
    if level == "unknown":
        return f"Not known for fp16: {_doubt(row)}"
    start = "Little room in fp16" if level == "near" else "Within fp16's range so far"
    return f"{start}: no watched tensor exceeded 65,504{_tokens(row)}{_share(row)}"


def _excess(row: Row) -> str:
    found = largest(row)
    if found is None or found[0] <= FP16_LIMIT:
        return "infinity, or a value beyond 65,504 in a tensor that has no column here, was seen"
    magnitude, role = found
    name = "M" if row["abs_max"] == magnitude else f"the {_title(role)}'s maximum"
    times = numbers.ratio(magnitude / FP16_LIMIT)
    return f"{name} = {numbers.value(magnitude)} is {times} fp16's largest value, 65,504"


def _doubt(row: Row) -> str:
    if row["abs_max"] is None or row["exceeds_float16"] is None:
        return "no maximum is on record"
    if row["status"] == "non_finite":
        return "NaN or infinity occurred; no finite value exceeded 65,504"
    missing = numbers.count(row["num_missing"] or 0, "expected tensor")
    return f"the report is partial, {missing} never seen; in the rest nothing exceeded 65,504"


def _tokens(row: Row) -> str:
    tokens = row["num_tokens"]
    return "" if tokens is None else f" in {numbers.count(tokens, 'token')}"


def _share(row: Row) -> str:
    peak = row["abs_max"]
    if peak is None:
        return ""
    return f", M = {numbers.value(peak)} being {numbers.percent(peak / FP16_LIMIT)} of it"


def _place(row: Row) -> str:
    where = site(row)
    if where is None:
        return ""
    others = [role for role in row["tied_roles"] or () if role != row["carrier_role"]]
    tied = f", tied with the {' and the '.join(map(_title, others))}" if others else ""
    return f"{PEAK.get(row['status'] or '', 'the peak')} sits in the {where}{tied}"


def _int8(row: Row) -> str:
    decibels = row["int8_max_abs_sqnr_db"]
    if decibels is None:
        return ""
    return f"INT-8 diagnostic at M, max-abs scale: SQNR {decibels:.1f} dB"


def _simulated(row: Row) -> str:
    return SIMULATED if row["simulated_activations"] else ""


def _title(role: str | None) -> str:
    known = ROLE_BY_NAME.get(role or "")
    return known.title if known else shown(role or "unknown role")
