"""The report's `quantization.pooled`: each way of rounding over all tensors of a kind."""

import math
from collections.abc import Sequence

from hubmaxact.deployed_formats import LABEL, DeployedFormat, formats_of
from hubmaxact.measurement.assembly.rounded_tensors import RoundedTensor, sqnr_db
from hubmaxact.report.derived import PooledRow, WorstTensor
from hubmaxact.report.document import Report
from hubmaxact.report.rounded_tensors import SWITCHED_OFF, rounded_places

NUM_WORST = 3
NO_THRESHOLD = "no tensor with a threshold above zero"
NOTHING_FINITE = "no finite value in the evaluation split"


def pooled(
    rows: Sequence[RoundedTensor], report: Report, *, shortage: str | None, in_pass: bool
) -> list[PooledRow]:
    """Pool tensors of a kind, one row for each way that the kind is rounded.

    Args:
        rows: Of single tensors; none with a shortage.
        report: Tells which kinds there are.
        shortage: Why the corpus is too small for both splits; None: it is not.
        in_pass: Whether errors that need tokens whole were summed.

    Returns:
        Rows by kind, then in the order of the table.
    """
    return [
        _row(
            kind,
            way,
            [row for row in rows if (row.kind, row.way) == (kind, way)],
            shortage or (None if in_pass or way.is_counted else SWITCHED_OFF),
        )
        for kind, places in rounded_places(report).items()
        if places
        for way in formats_of(kind)
    ]


def _row(
    kind: str, way: DeployedFormat, rows: Sequence[RoundedTensor], why_not: str | None
) -> PooledRow:
    known = bool(rows)
    count = sum(row.count for row in rows)
    sum_sq = math.fsum(row.sum_sq for row in rows)
    err_sq = math.fsum(row.error.err_sq for row in rows)
    return PooledRow(
        kind=kind,
        format=way.format,
        granularity=way.granularity,
        policy=way.policy,
        convention=way.convention,
        num_tensors=len(rows),
        sum_sq=sum_sq if known else None,
        err_sq=err_sq if known else None,
        count=count,
        sqnr_db=sqnr_db(sum_sq, err_sq),
        rel_rmse=math.sqrt(err_sq / sum_sq) if sum_sq else None,
        clip_rate=sum(row.error.num_clipped for row in rows) / count if known else None,
        underflow_rate=sum(row.error.num_underflowed for row in rows) / count if known else None,
        worst=_worst(rows),
        label=LABEL,
        reason=why_not or _reason(way, known=known, sum_sq=sum_sq, err_sq=err_sq),
    )


def _worst(rows: Sequence[RoundedTensor]) -> list[WorstTensor]:
    """The lowest, in order; of equals the first."""
    found = [(decibels, row) for row in rows if (decibels := row.sqnr_db) is not None]
    found.sort(key=lambda each: each[0])
    return [
        WorstTensor(
            layer=row.place.layer,
            part=row.place.part,
            module=row.place.module,
            sqnr_db=decibels,
        )
        for decibels, row in found[:NUM_WORST]
    ]


def _reason(way: DeployedFormat, *, known: bool, sum_sq: float, err_sq: float) -> str | None:
    """Why a row, or its SQNR, is null."""
    if not known:
        return NO_THRESHOLD if way.has_threshold else NOTHING_FINITE
    if not sum_sq:
        return "no value above zero to round"
    return None if err_sq else "no error to take a ratio to"
