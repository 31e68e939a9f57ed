"""What a report of profile `deployment` says in words: the KV cache, logits, linear inputs.

Engines cast keys and values to FP8 with a scale of 1 unless a checkpoint brings scales, so for them
alone the end of an unscaled format is a verdict.
"""

from collections.abc import Callable

from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.rendering import numbers
from hubmaxact.report.deployment import HeadMaxima, KeysAndValues, LinearInput
from hubmaxact.report.document import Report

Name = Callable[[str], str]

FP8_LIMIT = LARGEST_FINITE["float8_e4m3fn"]
CACHED = {"heads": ("keys", "values"), "latent": ("latents", "rotary keys")}


def kv_cache(report: Report, name: Name) -> str | None:
    """How far keys and values go, against an FP8 cache without scales.

    Args:
        report: Of any profile.
        name: Makes a module's name fit for where the words stand.

    Returns:
        A sentence without its full stop. None: the profile does not look.
    """
    rows = report.get("kv")
    if rows is None:
        return None
    if not rows:
        lost = report["coverage"]["key"]["expected"] if "key" in report["coverage"] else 0
        return "not seen" if lost else "no layer hands keys or values to a cache"
    keys, values = (CACHED[rows[0]["kind"]][part] for part in (0, 1))
    said = [_furthest(keys, rows, _key, name), _furthest(values, rows, _value, name)]
    return f"{'; '.join(said)}. {_verdict(report, rows)}"


def _verdict(report: Report, rows: list[KeysAndValues]) -> str:
    beyond = sum(
        any(_reach(each) > FP8_LIMIT for each in (row["key"], row["value"])) for row in rows
    )
    limit = f"{FP8_LIMIT:g}"
    if beyond:
        attentions = numbers.count(len(rows), "attention")
        return (
            f"An FP8 (E4M3) cache without scales saturates at {limit}, which is exceeded in "
            f"{beyond} of {attentions}; engines use a scale of 1 unless one is given"
        )
    tokens = numbers.count(report["protocol"]["corpus"]["num_tokens"], "token")
    return f"None exceeded {limit}, where an FP8 (E4M3) cache without scales saturates, in {tokens}"


def _furthest(
    noun: str, rows: list[KeysAndValues], part: Callable[[KeysAndValues], HeadMaxima], name: Name
) -> str:
    row = max(rows, key=lambda each: _reach(part(each)))
    largest = part(row)
    if largest["num_inf"]:
        return f"{noun} reach infinity in {name(row['module'])}"
    if largest["abs_max"] is None:
        return f"{noun} are not finite in {name(row['module'])}"
    return f"{noun} reach {numbers.value(largest['abs_max'])} in {name(row['module'])}"


def _key(row: KeysAndValues) -> HeadMaxima:
    return row["key"]


def _value(row: KeysAndValues) -> HeadMaxima:
    return row["value"]


def _reach(found: HeadMaxima) -> float:
    return float("inf") if found["num_inf"] else found["abs_max"] or 0.0


def attention_logit(report: Report, name: Name) -> str | None:
    """How large attention logits get, or a bound for them, and where.

    Args:
        report: Of any profile.
        name: Makes a module's name fit for where the words stand.

    Returns:
        A sentence without its full stop. None: the profile does not look, or no attention tells.
    """
    rows = report.get("kv", ())
    logits = ((row["module"], row["attention_logit"]) for row in rows)
    known = [(module, found) for module, found in logits if found is not None]
    if not known:
        return None
    where, found = max(known, key=lambda each: _or_infinity(each[1]["value"]))
    lost = len(rows) - len(known)
    besides = f"; not known of {lost} of {numbers.count(len(rows), 'attention')}" if lost else ""
    if found["value"] is None:
        return f"not finite in {name(where)}{besides}"
    value = numbers.value(found["value"])
    if found["kind"] == "exact":
        return f"reach {value} in {name(where)}, before caps and masks{besides}"
    return f"at most about {value} in {name(where)}, a bound by norms{besides}"


def _or_infinity(value: float | None) -> float:
    return float("inf") if value is None else value


def linear_input(report: Report, name: Name) -> str | None:
    """The largest value that a linear map reads, and where.

    Args:
        report: Of any profile.
        name: Makes a module's name fit for where the words stand.

    Returns:
        A sentence without its full stop. None: the profile does not look, or nothing was finite.
    """
    rows = [row for row in report.get("linear_inputs", ()) if row["abs_max"] is not None]
    if not rows:
        return None
    row = max(rows, key=_abs_max)
    largest, rms = _abs_max(row), row["rms"]
    times = f", {numbers.ratio(largest / rms)} its rms" if rms else ""
    return (
        f"{numbers.value(largest)}{times}, read by {name(row['modules'][0])}, channel "
        f"{row['channel']:,}; token {row['token_position']:,} (id {row['token_id']}) of text "
        f"{row['sample']:,}"
    )


def _abs_max(row: LinearInput) -> float:
    return row["abs_max"] or 0.0
