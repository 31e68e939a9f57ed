"""FP8, INT8 and 4-bit: what rounding the inputs of linear maps costs.

A row of the model's own loss decides where there is one; else the tensor that is rounded worst, at
the coarsest granularity of those with the best level of error.
"""

from typing import NamedTuple

from hubmaxact.deployed_formats import LINEAR_INPUT, LINEAR_INPUTS
from hubmaxact.rendering import numbers
from hubmaxact.rendering.fit import ways
from hubmaxact.rendering.fit.levels import of_loss, of_sqnr
from hubmaxact.rendering.fit.measured import loss_rows, pooled_rows, why_not_pooled
from hubmaxact.rendering.fit.verdict import NOT_KNOWN, Name, Verdict, not_measured
from hubmaxact.report.derived import EndToEndRow, Interval, PooledRow
from hubmaxact.report.document import Report

KIND, TARGET = LINEAR_INPUT, LINEAR_INPUTS


class Family(NamedTuple):
    """Formats that one verdict is about."""

    title: str
    formats: tuple[str, ...]


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
    found = best_loss(report, family)
    if found is not None:
        return _of_loss(family, *found, pooled_like(report, found[0]), name)
    if (row := chosen(report, family)) is None:
        return not_measured(family.title, why_not_pooled(report, KIND, family.formats, name))
    return _of_error(report, family, row, name)


def chosen(report: Report, family: Family) -> PooledRow | None:
    """Return the measured row that speaks for a family.

    Args:
        report: Of any profile.
        family: Which formats.

    Returns:
        That of the run with rounding where there was one; else the coarsest of the best level.
        None: nothing was measured.
    """
    found = best_loss(report, family)
    if found is not None:
        return pooled_like(report, found[0])
    return ways.coarsest(pooled_rows(report, KIND, family.formats))


def best_loss(report: Report, family: Family) -> tuple[EndToEndRow, Interval] | None:
    """Return the run with rounding that lost least, the coarsest of those alike.

    Args:
        report: Of any profile.
        family: Which formats.

    Returns:
        The row and its change of loss. None: there was no such run.
    """
    rows = sorted(loss_rows(report, TARGET, family.formats), key=lambda each: ways.cost(each[0]))
    return min(rows, key=lambda each: of_loss(each[1]["high"]).most_loss, default=None)


def pooled_like(report: Report, run: EndToEndRow) -> PooledRow | None:
    """Return the errors of the tensors that a run rounded.

    Args:
        report: Of any profile.
        run: A row of `end_to_end`.

    Returns:
        The pooled row of the same way. None: not measured.
    """
    rows = pooled_rows(report, KIND, (run["format"],))
    return next(
        (row for row in rows if ways.words(row) == ways.words(run) and row["sqnr_db"]), None
    )


def _of_loss(
    family: Family, run: EndToEndRow, change: Interval, row: PooledRow | None, name: Name
) -> Verdict:
    level = of_loss(change["high"])
    texts = numbers.count(run["num_samples"], "text")
    return Verdict(
        title=family.title,
        word=f"{level.word} loss",
        standing=level.standing,
        number=loss_words(change),
        condition=f"{ways.words(run)}; {texts}, linear inputs rounded, weights not",
        where=_worst(row, name) if row else "",
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
        where=_worst(row, name),
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


def _worst(row: PooledRow, name: Name) -> str:
    worst = row["worst"][:1]
    said = (f"lowest {name(each['module'])} ({each['sqnr_db']:.1f} dB)" for each in worst)
    return next(said, "")
