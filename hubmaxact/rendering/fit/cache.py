"""An FP8 cache: engines give it a scale of 1 unless a checkpoint brings scales.

So here, and nowhere else, the end of an unscaled format is a verdict.
"""

from typing import NamedTuple

from hubmaxact.deployed_formats import CACHED, KV, UNSCALED
from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.rendering import numbers
from hubmaxact.rendering.fit import ways
from hubmaxact.rendering.fit.levels import NEAR, Level, Standing, of_loss, of_sqnr
from hubmaxact.rendering.fit.linear_inputs import error_words, loss_words
from hubmaxact.rendering.fit.measured import BEFORE, OF_PAPER, loss_rows, pooled_rows
from hubmaxact.rendering.fit.verdict import NOT_KNOWN, Name, Verdict, not_measured
from hubmaxact.report.deployment import HeadMaxima, KeysAndValues
from hubmaxact.report.derived import Interval, PooledRow
from hubmaxact.report.document import Report
from hubmaxact.report.roles import PAPER

TITLE = "FP8 KV cache"
FORMAT = "float8_e4m3fn"
LIMIT = LARGEST_FINITE[FORMAT]
NAMES = {"heads": ("keys", "values"), "latent": ("latents", "rotary keys")}


class Reach(NamedTuple):
    """The largest |x| that a cache is given, and what has it."""

    magnitude: float  # infinite where infinity was seen
    noun: str
    module: str


def verdict(report: Report, name: Name) -> Verdict:
    """Hold keys and values against an FP8 (E4M3) cache without scales.

    Args:
        report: Of any profile.
        name: Makes a module's name fit for where the words stand.

    Returns:
        "saturates" where one goes beyond 448; else what is lost, where that was measured; else
        "little room" or "not exceeded".
    """
    rows = report.get("kv")
    if rows is None:
        paper = report["protocol"]["profile"] == PAPER
        return not_measured(TITLE, OF_PAPER if paper else BEFORE)
    if not rows:
        lost = report["coverage"]["key"]["expected"] if "key" in report["coverage"] else 0
        nothing = "no layer hands keys or values to a cache"
        return not_measured(TITLE, "keys and values were not seen" if lost else nothing)
    found = furthest(rows)
    word, standing = _word(report, rows, found)
    return Verdict(
        title=TITLE,
        word=word,
        standing=standing,
        number="; ".join(filter(None, [_reach(found), _lost(report)])),
        condition=f"E4M3 without scales ends at {LIMIT:g}; {_tokens(report)}",
        module=name(found.module),
    )


def furthest(rows: list[KeysAndValues]) -> Reach:
    """Return what goes furthest.

    Args:
        rows: Of `kv`, at least one.

    Returns:
        The first of those that are largest.
    """
    found = [
        Reach(_magnitude(part), noun, row["module"])
        for row in rows
        for noun, part in zip(NAMES[row["kind"]], (row["key"], row["value"]), strict=True)
    ]
    return max(found, key=lambda each: each.magnitude)


def num_beyond(rows: list[KeysAndValues]) -> int:
    """Count the attentions whose keys or values go beyond the format.

    Args:
        rows: Of `kv`.

    Returns:
        At most as many as there are rows.
    """
    return sum(any(_magnitude(each) > LIMIT for each in (row["key"], row["value"])) for row in rows)


def unscaled_rows(report: Report) -> list[PooledRow]:
    """Return the errors of keys and of values without scales, where both were measured.

    Args:
        report: Of any profile.

    Returns:
        Two rows, or none.
    """
    found = [
        row
        for kind in CACHED
        for row in pooled_rows(report, kind, (FORMAT,))
        if row["policy"] == UNSCALED and row["sqnr_db"] is not None
    ]
    return found if len(found) == 2 else []


def _word(report: Report, rows: list[KeysAndValues], found: Reach) -> tuple[str, Standing]:
    if found.magnitude > LIMIT:
        return "saturates", "beyond"
    if any(part["num_nan"] for row in rows for part in (row["key"], row["value"])):
        return NOT_KNOWN, "unknown"
    level, noun = _level(report)
    if level is not None:
        return f"{level.word} {noun}", level.standing
    near = found.magnitude >= NEAR * LIMIT
    return ("little room", "near") if near else ("not exceeded", "within")


def _level(report: Report) -> tuple[Level | None, str]:
    if (change := _loss(report)) is not None:
        return of_loss(change["high"]), "loss"
    rows = unscaled_rows(report)
    lowest = min(map(ways.lowest_db, rows), default=None)
    return (None if lowest is None else of_sqnr(lowest)), "error"


def _lost(report: Report) -> str:
    """What rounding without scales costs; empty where that was not measured."""
    if (change := _loss(report)) is not None:
        return loss_words(change)
    rows = unscaled_rows(report)
    said = (f"{noun} {error_words(row)}" for noun, row in zip(CACHED, rows, strict=False))
    return ", ".join(said)


def _loss(report: Report) -> Interval | None:
    rows = loss_rows(report, KV, (FORMAT,))
    return next((change for row, change in rows if row["policy"] == UNSCALED), None)


def _reach(found: Reach) -> str:
    far = "infinity" if found.magnitude == float("inf") else numbers.value(found.magnitude)
    return f"{found.noun} reach {far}"


def _tokens(report: Report) -> str:
    return numbers.count(report["protocol"]["corpus"]["num_tokens"], "token")


def _magnitude(found: HeadMaxima) -> float:
    return float("inf") if found["num_inf"] else found["abs_max"] or 0.0
