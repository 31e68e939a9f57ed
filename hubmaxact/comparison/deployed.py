"""What deployed kernels see, report by report: verdicts, caches, errors of rounding, losses."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from hubmaxact.comparison.comparison import (
    CacheCell,
    CacheRow,
    LossRow,
    RoundingRow,
    VerdictCell,
    VerdictRow,
)
from hubmaxact.deployed_formats import CACHED
from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.rendering.fit.verdict import Verdict
from hubmaxact.rendering.fit.verdicts import verdicts
from hubmaxact.report.derived import EndToEndRow, PooledRow
from hubmaxact.report.document import Report
from hubmaxact.report.watched_rows import WatchedRow, watched_rows

LIMIT = LARGEST_FINITE["float8_e4m3fn"]

Way = tuple[str, str, str, str]
"""Kind or target, format, granularity, policy."""

AnyRow = TypeVar("AnyRow", PooledRow, EndToEndRow)


def verdict_table(reports: Sequence[Report]) -> tuple[VerdictRow, ...]:
    """One row for each format of deployment."""
    found = [verdicts(report, str) for report in reports]
    return tuple(
        VerdictRow(title=row[0].title, cells=tuple(map(_verdict, row)))
        for row in zip(*found, strict=True)
    )


def cache_table(reports: Sequence[Report]) -> tuple[CacheRow, ...]:
    """A row for keys and one for values; none where no report has any."""
    rows = (
        CacheRow(role=role, cells=tuple(_cached(report, role) for report in reports))
        for role in CACHED
    )
    return tuple(row for row in rows if any(row.cells))


def rounding_table(reports: Sequence[Report]) -> tuple[RoundingRow, ...]:
    """One row for each way of rounding that some report names."""
    found = [{_of_kind(row): row for row in _pooled(report)} for report in reports]
    return tuple(
        RoundingRow(kind=kind, format=name, granularity=shared, policy=policy, cells=cells)
        for (kind, name, shared, policy), cells in _side_by_side(found)
    )


def loss_table(reports: Sequence[Report]) -> tuple[LossRow, ...]:
    """One row for each run with rounding that some report has."""
    found = [{_of_target(row): row for row in _runs(report)} for report in reports]
    return tuple(
        LossRow(target=target, format=name, granularity=shared, policy=policy, cells=cells)
        for (target, name, shared, policy), cells in _side_by_side(found)
    )


def _verdict(found: Verdict) -> VerdictCell:
    return VerdictCell(
        word=found.word,
        standing=found.standing,
        number=found.number or None,
        condition=found.condition or None,
        module=found.module or None,
        lowest_db=found.lowest_db,
    )


def _side_by_side(
    found: Sequence[dict[Way, AnyRow]],
) -> Iterator[tuple[Way, tuple[AnyRow | None, ...]]]:
    for way in dict.fromkeys(way for rows in found for way in rows):
        yield way, tuple(rows.get(way) for rows in found)


def _pooled(report: Report) -> Sequence[PooledRow]:
    return report["quantization"].get("pooled", ())


def _runs(report: Report) -> Sequence[EndToEndRow]:
    found = report.get("end_to_end")
    return found["rows"] if found else ()


def _of_kind(row: PooledRow) -> Way:
    return row["kind"], row["format"], row["granularity"], row["policy"]


def _of_target(row: EndToEndRow) -> Way:
    return row["target"], row["format"], row["granularity"], row["policy"]


def _cached(report: Report, role: str) -> CacheCell | None:
    rows = [row for row in watched_rows(report) if row.role == role]
    if not rows:
        return None
    largest = max(rows, key=lambda row: -1.0 if row.abs_max is None else row.abs_max)
    assert largest.layer is not None
    return CacheCell(
        abs_max=largest.abs_max,
        layer=largest.layer,
        module=largest.module,
        num_non_finite=sum(bool(row.num_nan + row.num_inf) for row in rows),
        num_beyond=sum(map(_is_beyond, rows)),
        num_tensors=len(rows),
    )


def _is_beyond(row: WatchedRow) -> bool:
    return bool(row.num_inf) or (row.abs_max or 0.0) > LIMIT
