"""Do the rows of `quantization.parquet` add up to the report that names it?"""

import math
from collections.abc import Iterable, Iterator

from hubmaxact.printable import printable
from hubmaxact.report.deployment import QUANTIZATION, Sidecar
from hubmaxact.report.derived import PooledRow
from hubmaxact.report.document import Report
from hubmaxact.report.rounded_tensors import rounded_places
from hubmaxact.report.row_fields import field
from hubmaxact.report.source import Found
from hubmaxact.sidecars.beside import Beside, SidecarError
from hubmaxact.sidecars.error_rows import ErrorRow, can_be_read, decode

Way = tuple[str, str, str, str]
"""Kind, format, granularity, policy."""

SLACK = 1e-9
SUMS = ("sum_sq", "err_sq")
RATES = ("clip_rate", "underflow_rate")


def check_error_rows(report: Report, found: Found | None) -> None:
    """Hold the rows beside a report to its own; nothing is read where pyarrow is not installed.

    Args:
        report: Any.
        found: Where it was found; from the Hub nothing is fetched for this.

    Raises:
        SidecarError: They are not the rows that the report pools, or cannot be read.
    """
    is_here = found is not None and found.file is not None
    if is_here and _named(report) is not None and can_be_read():
        read_error_rows(report, found)


def read_error_rows(report: Report, found: Found | None) -> list[ErrorRow] | None:
    """Read what every tensor of a report loses each way it was rounded.

    Args:
        report: Any.
        found: Where it was found. None: it came from memory.

    Returns:
        Rows that add up to those of the report. None: it names no such file, or none lies there.

    Raises:
        SidecarError: They are not the rows that the report pools, or cannot be read.
        MissingPackageError: pyarrow is not installed, or cannot be loaded.
        HubError: The repository cannot be read.
    """
    named = _named(report)
    content = None if named is None else Beside(found).read(named)
    if content is None:
        return None
    rows = decode(content)
    for problem in _contradictions(report, rows):
        raise SidecarError(f"{QUANTIZATION} contradicts the report: {problem}. Measure again.")
    return rows


def _named(report: Report) -> Sidecar | None:
    """The file, as the report names it; pyarrow is not loaded where it does not."""
    rows = (row for row in report.get("sidecars", ()) if row["name"] == QUANTIZATION)
    return next(rows, None)


def _contradictions(report: Report, rows: Iterable[ErrorRow]) -> Iterator[str]:
    places = rounded_places(report)
    known = {kind: {place.module for place in found} for kind, found in places.items()}
    by_way: dict[Way, list[ErrorRow]] = {}
    for row in rows:
        if row["module"] not in known.get(row["kind"], ()):
            yield f"it has {printable(row['module'], 200)}, which is no such tensor there"
        by_way.setdefault(_way(row), []).append(row)
    for pooled in report["quantization"].get("pooled", ()):
        yield from _differences(pooled, by_way.pop(_way(pooled), []))
    for way in by_way:
        yield f"it has {printable(' '.join(way), 200)}, which the report does not pool"


def _differences(pooled: PooledRow, rows: list[ErrorRow]) -> Iterator[str]:
    """What the report pools, and what the rows make."""
    name = " ".join(_way(pooled))
    if len({row["module"] for row in rows}) != len(rows):
        yield f"of {name} it has a tensor twice"
    made: dict[str, float] = {"num_tensors": len(rows), "count": sum(row["count"] for row in rows)}
    made |= {sums: math.fsum(field(row, sums) for row in rows) for sums in SUMS}
    made |= {
        rate: math.fsum(field(row, rate) * row["count"] for row in rows) / (made["count"] or 1)
        for rate in RATES
    }
    for key, value in made.items():
        told = field(pooled, key) or 0
        if not math.isclose(told, value, rel_tol=SLACK, abs_tol=0.0):
            yield f"{key} of {name} is {value:g} there and {told:g} in the report"


def _way(row: PooledRow | ErrorRow) -> Way:
    return row["kind"], row["format"], row["granularity"], row["policy"]
