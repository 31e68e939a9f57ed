"""FP8, INT8 and 4-bit: what rounding the inputs of linear maps costs."""

from typing import NamedTuple, TypedDict

from hubmaxact.deployed_formats import LINEAR_INPUT
from hubmaxact.rendering import numbers
from hubmaxact.rendering.fit import ways
from hubmaxact.rendering.fit.candidates import Candidate, Loss, candidates
from hubmaxact.rendering.fit.levels import of_sqnr
from hubmaxact.rendering.fit.measured import why_not_pooled
from hubmaxact.rendering.fit.verdict import NOT_KNOWN, Name, Verdict, not_measured
from hubmaxact.report.derived import Interval, PooledRow
from hubmaxact.report.document import Report


class Family(NamedTuple):
    """Formats that one verdict is about."""

    title: str
    formats: tuple[str, ...]


class Worst(TypedDict):
    """The part of a verdict that names a module."""

    module: str
    lowest_db: float | None


FP8 = Family("FP8 weights and activations", ("float8_e4m3fn", "mxfp8"))
INT8 = Family("INT8", ("int8",))
FOUR_BIT = Family("4-bit", ("mxfp4", "nvfp4"))
FAMILIES = (FP8, INT8, FOUR_BIT)


def verdict(report: Report, family: Family, name: Name) -> Verdict:
    """Say what rounding to a family's formats costs.

    Args:
        report: Of any profile.
        family: Which formats.
        name: Makes modules' names and reasons fit for where the words stand.

    Returns:
        A level of loss, or of error; or that nothing was measured.
    """
    found = candidates(report, family.formats)
    if not found:
        why = why_not_pooled(report, LINEAR_INPUT, family.formats, name)
        return not_measured(family.title, why)
    speaks = found[0]
    if speaks.loss is not None:
        return _of_loss(family, speaks, speaks.loss, name)
    assert speaks.row is not None
    return _of_error(report, family, speaks.row, name)


def _of_loss(family: Family, candidate: Candidate, loss: Loss, name: Name) -> Verdict:
    level = candidate.level
    texts = numbers.count(loss.run["num_samples"], "text")
    return Verdict(
        title=family.title,
        word=f"{level.word} loss",
        standing=level.standing,
        number=loss_words(loss.change),
        condition=f"{ways.words(loss.run)}; {texts}, linear inputs rounded, weights not",
        **_worst(candidate.row, name),
    )


def loss_words(change: Interval) -> str:
    """Say how a loss changed: +0.012 nats a token (+0.008 to +0.016).

    Args:
        change: Mean and interval, in nats for each token.

    Returns:
        Words without a full stop.
    """
    mean, low, high = (f"{change[key]:+.3g}" for key in ("mean", "low", "high"))
    return f"loss {mean} nats a token ({low} to {high})"


def _of_error(report: Report, family: Family, row: PooledRow, name: Name) -> Verdict:
    level = of_sqnr(ways.lowest_db(row))
    broken = [each for each in report.get("linear_inputs", ()) if each["num_nan"] + each["num_inf"]]
    texts = numbers.count(report["protocol"]["evaluation_samples"], "text")
    seen = numbers.count(row["num_tensors"], "input")
    lost = f"; NaN or infinity in {numbers.count(len(broken), 'input')}" if broken else ""
    return Verdict(
        title=family.title,
        word=NOT_KNOWN if broken else f"{level.word} error",
        standing="unknown" if broken else level.standing,
        number=error_words(row),
        condition=f"{ways.words(row)}; {seen}, {texts}{lost}",
        **_worst(row, name),
    )


def error_words(row: PooledRow) -> str:
    """Say how large the error of all tensors together is: error 2.7 % (31.4 dB).

    Args:
        row: Of tensors that were measured.

    Returns:
        Words without a full stop.
    """
    sqnr, share = row["sqnr_db"], row["rel_rmse"]
    assert sqnr is not None
    assert share is not None
    return f"error {numbers.percent(share)} ({sqnr:.1f} dB)"


def _worst(row: PooledRow | None, name: Name) -> Worst:
    """The module whose input is rounded worst; empty where none is named."""
    worst = row["worst"][0] if row and row["worst"] else None
    if worst is None:
        return Worst(module="", lowest_db=None)
    return Worst(module=name(worst["module"]), lowest_db=worst["sqnr_db"])
