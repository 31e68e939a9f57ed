"""What rounding does to a model's own loss, in words and in rows of a table.

A change whose interval holds zero is told as one that these texts do not show.
"""

from collections.abc import Callable, Iterator

from hubmaxact.rendering import numbers
from hubmaxact.rendering.escape import text
from hubmaxact.rendering.fit import ways
from hubmaxact.rendering.markdown_table import table
from hubmaxact.report.derived import EndToEnd, EndToEndRow, Interval
from hubmaxact.report.document import Report

Name = Callable[[str], str]

HEAD = ("rounded", "change", "interval", "KL", "same top token")
TARGETS = {"linear_inputs": "linear inputs", "kv": "KV cache", "residual": "residual stream"}
NONE = "-"


def heading(report: Report) -> str | None:
    """Over what the loss was taken, and what it is without rounding.

    Args:
        report: Of any profile.

    Returns:
        A sentence without its full stop. None: it was not asked for.
    """
    found = report.get("end_to_end")
    if found is None:
        return None
    over = f"{numbers.count(found['num_tokens'], 'token')} of "
    over += numbers.count(found["num_samples"], "evaluation text")
    without = "not known" if found["loss"] is None else f"{found['loss']:.4f} nats a token"
    return f"loss with rounding really applied, over {over}; without rounding it is {without}"


def cells(report: Report) -> list[tuple[str, ...]]:
    """A row of cells for each way of rounding, as `HEAD` names them.

    Args:
        report: Of any profile.

    Returns:
        Plain words and numbers of ours; none where it was not asked for.
    """
    found = report.get("end_to_end")
    return [] if found is None else [_cells(row) for row in found["rows"]]


def notes(report: Report, name: Name) -> Iterator[str]:
    """Yield whole sentences about what stands in the table.

    Args:
        report: Of any profile.
        name: Makes a reason fit for where the words stand.

    Yields:
        Why rows are empty; what nobody deploys; how intervals were made.
    """
    found = report.get("end_to_end")
    if found is None:
        return
    for row in found["rows"]:
        if row["reason"] is not None:
            yield f"{way(row)} was not measured: {name(row['reason'])}."
    if any(row["target"] == "residual" for row in found["rows"]):
        yield "No deployed kernel rounds the residual stream: that row is a diagnostic."
    yield _intervals(found)


def markdown(report: Report) -> str:
    """The table and its notes, for a model card.

    Args:
        report: Of any profile.

    Returns:
        Markdown; empty where it was not asked for.
    """
    said = heading(report)
    if said is None:
        return ""
    told = " ".join(notes(report, text))
    body = table(HEAD, cells(report), numbers=range(1, len(HEAD)))
    return f"{said[0].upper()}{said[1:]}:\n\n{body}\n\n{told}"


def _cells(row: EndToEndRow) -> tuple[str, ...]:
    change, divergence, same = row["loss_change"], row["kl_divergence"], row["top1_agreement"]
    return (
        way(row),
        NONE if change is None else f"{change['mean']:+.4f}",
        NONE if change is None else _span(change),
        NONE if divergence is None else f"{max(0.0, divergence['mean']):.4f}",
        NONE if same is None else numbers.percent(same),
    )


class Rounded(ways.Rounding):
    """What names a run with rounding; its row has more."""

    target: str


def way(row: Rounded) -> str:
    """Say what was rounded, and how: "linear inputs: INT8, a scale for each token"."""
    return f"{TARGETS.get(row['target'], ways.UNKNOWN)}: {ways.words(row)}"


def _span(found: Interval) -> str:
    return f"{found['low']:+.4f} to {found['high']:+.4f}"


def _intervals(found: EndToEnd) -> str:
    return (
        f"Intervals of {numbers.percent(found['confidence'])}: paired bootstrap over texts, "
        f"{numbers.count(found['resamples'], 'draw')}; one that holds zero shows no change."
    )
