"""What a report of any version has of rounding, and why it has no more."""

from collections.abc import Iterator, Sequence

from hubmaxact.rendering.fit.verdict import Name
from hubmaxact.report.derived import EndToEndRow, Interval, PooledRow
from hubmaxact.report.document import Report
from hubmaxact.report.roles import PAPER

OF_PAPER = "profile paper looks at no linear input and no cache; profile deployment does"
NONE_SEEN = "no tensor of this kind was seen"
BEFORE = "this report was written before errors of these formats were measured"


def pooled_rows(report: Report, kind: str, formats: Sequence[str]) -> list[PooledRow]:
    """Return the pooled rows of some formats, in the report's order.

    Args:
        report: Of any profile and version.
        kind: Of tensors: "linear_input", "key" or "value".
        formats: Their names.

    Returns:
        Rows with values and without; none where the report is older, or of another profile.
    """
    rows = report["quantization"].get("pooled", ())
    return [row for row in rows if row["kind"] == kind and row["format"] in formats]


def loss_rows(
    report: Report, target: str, formats: Sequence[str]
) -> Iterator[tuple[EndToEndRow, Interval]]:
    """Yield the runs with rounding that have a change of loss.

    Args:
        report: Of any profile and version.
        target: What was rounded: "linear_inputs", "kv" or "residual".
        formats: Names of formats.

    Yields:
        Each row with its change of loss.
    """
    found = report.get("end_to_end")
    for row in found["rows"] if found else ():
        change = row["loss_change"]
        if row["target"] == target and row["format"] in formats and change is not None:
            yield row, change


def why_not_pooled(report: Report, kind: str, formats: Sequence[str], name: Name) -> str:
    """Say why there are no errors of some formats.

    Args:
        report: Of any profile and version, without such values.
        kind: Of tensors.
        formats: Their names.
        name: Makes a reason of the report's fit for where the words stand.

    Returns:
        A reason without a full stop.
    """
    if report["protocol"]["profile"] == PAPER:
        return OF_PAPER
    if "pooled" not in report["quantization"]:
        return BEFORE
    rows = pooled_rows(report, kind, formats)
    return next((name(row["reason"]) for row in rows if row["reason"]), NONE_SEEN)


def has_errors(report: Report) -> bool:
    """Whether any error of a deployed format was measured.

    Args:
        report: Of any profile and version.

    Returns:
        False where the residual stream's INT8 check is all there is.
    """
    rows = report["quantization"].get("pooled", ())
    return any(row["sqnr_db"] is not None for row in rows)
