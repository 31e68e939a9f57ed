"""The folded part on deployed formats: what kernels read, and the errors of rounding it."""

from collections.abc import Iterator

from hubmaxact.deployed_formats import KEY, LINEAR_INPUT, MAX_ABS, UNSCALED, VALUE
from hubmaxact.rendering import deployed_words, numbers
from hubmaxact.rendering.escape import code, text
from hubmaxact.rendering.fit import ways
from hubmaxact.rendering.markdown_table import table
from hubmaxact.report.derived import PooledRow
from hubmaxact.report.document import Report

KINDS = {LINEAR_INPUT: "linear inputs", KEY: "keys", VALUE: "values"}
CACHED_FORMATS = ("int8", "float8_e4m3fn")
CACHED_POLICIES = (MAX_ABS, UNSCALED)
"""What is told of keys and values; the file beside the report has the others too."""
NONE = "-"


def deployed(report: Report) -> str:
    """Say what linear maps read and the cache is given.

    Args:
        report: Of any profile.

    Returns:
        A list; empty where the profile does not look.
    """
    told = (
        ("KV cache", deployed_words.kv_cache(report, code)),
        ("Attention logits", deployed_words.attention_logit(report, code)),
        ("Largest linear input", deployed_words.linear_input(report, code)),
    )
    return "\n".join(f"- {head}: {_sentence(said)}" for head, said in told if said is not None)


def errors(report: Report) -> str:
    """Tabulate the error of each way of rounding, of all tensors of a kind together.

    Args:
        report: Of any profile.

    Returns:
        A table and a note; empty where nothing was measured.
    """
    rows = list(map(_error, _told(report)))
    if not rows:
        return ""
    head = ("tensors", "rounded to", "SQNR, dB", "error", "clipped", "to zero", "lowest", "module")
    samples = numbers.count(report["protocol"]["evaluation_samples"], "text")
    note = (
        f"Over {samples}; the error is the root mean square of what rounding changes over that of "
        "the values; lowest is the SQNR of the tensor that is rounded worst. Weights are not "
        "rounded."
    )
    return f"{table(head, rows, numbers=range(2, 7))}\n\n{note}"


def is_told(row: PooledRow) -> bool:
    """Whether people are shown a row; the file beside the report has the others too.

    Args:
        row: Of any kind of tensor.

    Returns:
        Of keys and values the ways alone that caches are known for.
    """
    short = row["format"] in CACHED_FORMATS and row["policy"] in CACHED_POLICIES
    return short or row["kind"] == LINEAR_INPUT


def _told(report: Report) -> Iterator[PooledRow]:
    rows = report["quantization"].get("pooled", ())
    return (row for row in rows if row["sqnr_db"] is not None and is_told(row))


def _error(row: PooledRow) -> tuple[str, ...]:
    worst = next(iter(row["worst"]), None)
    low = (NONE, NONE) if worst is None else (f"{worst['sqnr_db']:.1f}", code(worst["module"]))
    return (
        KINDS.get(row["kind"], text(row["kind"])),
        ways.words(row),
        NONE if row["sqnr_db"] is None else f"{row['sqnr_db']:.1f}",
        *(_share(row[rate]) for rate in ("rel_rmse", "clip_rate", "underflow_rate")),
        *low,
    )


def _share(value: float | None) -> str:
    return NONE if value is None else numbers.percent(value)


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}."
