"""Rules about subsets: how M moves between them."""

import math
from collections.abc import Iterator

from hubmaxact.report.consistency.predicates import same, told
from hubmaxact.report.document import Report
from hubmaxact.report.problem import Problem
from hubmaxact.report.row_fields import field
from hubmaxact.report.stability import Subsets


def empty_needs_a_reason(report: Report) -> Iterator[Problem]:
    """A reason stands exactly where there are no subsets."""
    rows, reason = report["stability"]["subsets"], report["stability"]["reason"]
    if bool(rows) == (reason is not None):
        words = "null" if reason is None else "given"
        yield Problem("stability.reason", f"is {words}, but subsets has {told(len(rows), 'row')}")


def subsets_agree(report: Report) -> Iterator[Problem]:
    """Subsets are smaller than the corpus, their maxima at most M, their spreads as defined."""
    samples, peak = report["protocol"]["corpus"]["num_samples"], report["global_max"]
    for position, row in enumerate(report["stability"]["subsets"]):
        path = f"stability.subsets[{position}]"
        if row["size"] > samples:
            message = f"is {row['size']}, but protocol.corpus.num_samples is {samples}"
            yield Problem(f"{path}.size", message)
        if peak is None or max(row["values"]) > peak["abs_max"]:
            known = "null" if peak is None else peak["abs_max"]
            message = f"reach {max(row['values'])}, but global_max.abs_max is {known}"
            yield Problem(f"{path}.values", message)
        yield from _spreads(path, row)


def _spreads(path: str, row: Subsets) -> Iterator[Problem]:
    values = row["values"]
    mean = math.fsum(values) / len(values)
    wanted: dict[str, float | None] = {"range_over_mean": None, "coefficient_of_variation": None}
    if mean > 0:
        wanted["range_over_mean"] = (max(values) - min(values)) / mean
    if mean > 0 and len(values) > 1:
        squares = math.fsum((value - mean) ** 2 for value in values)
        wanted["coefficient_of_variation"] = math.sqrt(squares / (len(values) - 1)) / mean
    for name, value in wanted.items():
        said: float | None = field(row, name)
        if not same(said, value):
            yield Problem(f"{path}.{name}", f"is {said}, but values give {value}")
