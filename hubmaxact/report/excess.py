"""What goes beyond a number format: which roles and layers, and what scaling keeps them within.

The residual stream is added up, and norms read it: scaled by a power of two as a whole, with the
norms' epsilon by its square, a model computes the same numbers, that much smaller.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.report.derived import Excess
from hubmaxact.report.document import Report
from hubmaxact.report.roles import ROLES
from hubmaxact.report.watched_rows import WatchedRow, watched_rows

STREAM = ("embedding", "hidden_state", "attention_update", "mlp_update", "mid_residual")
"""Roles of the residual stream, and of what is added to it."""

UPDATES = {"attention_output": "attention_update", "mlp_output": "mlp_update"}
"""What a block puts out, and what of it is added: the same, where no norm or factor is between."""

OUTPUTS = {update: output for output, update in UPDATES.items()}

SCALED = "float16"
"""The format whose range a residual stream is scaled into."""


def tell_excesses(report: Report) -> None:
    """Put what exceeds each format into a report's `dtype_headroom`, from its rows.

    Tokens that were counted already stay with the tensor that they were counted of.
    """
    rows = list(watched_rows(report))
    for name, row in report["dtype_headroom"].items():
        before = row.get("exceeded_by", ())
        counted = {_tensor(each): each["tokens"] for each in before if "tokens" in each}
        row["exceeded_by"] = exceeded_by(report, name, rows)
        for each in row["exceeded_by"]:
            if _tensor(each) in counted:
                each["tokens"] = counted[_tensor(each)]
        row["residual_exponent"] = residual_exponent(rows) if name == SCALED else None


def _tensor(row: Excess) -> tuple[str, int | None, str]:
    return row["role"], row["layer"], row["module"]


def exceeded_by(report: Report, name: str, rows: Iterable[WatchedRow]) -> list[Excess]:
    """Return the roles that exceed a format, in their order.

    Args:
        report: Says in which format the run was, whose infinities are beyond what reaches no
            further.
        name: Of the format.
        rows: Of the report.

    Returns:
        One row for each role: its layers, and the first tensor of those that went furthest.
    """
    limit = LARGEST_FINITE[name]
    beyond = list(_beyond(report, name, rows))
    of_roles = ([each for each in beyond if each[1].role == role.name] for role in ROLES)
    return [_excess(found, limit) for found in of_roles if found]


def first_beyond(report: Report, name: str) -> list[WatchedRow]:
    """Return the tensors beyond a format that a forward pass comes to first.

    Args:
        report: Of any profile.
        name: Of the format.

    Returns:
        Those of the earliest layer, in the document's order; the embedding comes before all layers
        and the final norm after them. Empty where nothing exceeds the format.
    """
    beyond = [row for _, row in _beyond(report, name, watched_rows(report))]
    first = min(map(_position, beyond), default=None)
    return [row for row in beyond if _position(row) == first]


def _position(row: WatchedRow) -> float:
    if row.layer is not None:
        return row.layer
    return -math.inf if row.role == "embedding" else math.inf


def _beyond(
    report: Report, name: str, rows: Iterable[WatchedRow]
) -> Iterator[tuple[float, WatchedRow]]:
    """How far each row goes that exceeds the format; an infinity of the run's own format does."""
    limit = LARGEST_FINITE[name]
    infinite = limit <= LARGEST_FINITE.get(report["protocol"]["dtype"], math.inf)
    for row in rows:
        reached = math.inf if infinite and row.num_inf else row.abs_max or 0.0
        if reached > limit:
            yield reached, row


def _excess(beyond: Sequence[tuple[float, WatchedRow]], limit: float) -> Excess:
    reached, furthest = max(beyond, key=lambda each: each[0])
    return Excess(
        role=furthest.role,
        layers=sorted({row.layer for _, row in beyond if row.layer is not None}),
        layer=furthest.layer,
        module=furthest.module,
        abs_max=None if math.isinf(reached) else reached,
        factor=None if math.isinf(reached) else reached / limit,
    )


def residual_exponent(rows: Iterable[WatchedRow]) -> int | None:
    """Return the least n such that the residual stream times 2^-n stays within fp16.

    Args:
        rows: Of a report.

    Returns:
        0 where it does already. None: it held NaN or infinity, so nobody knows how far it goes.
    """
    stream = [row for row in rows if row.role in STREAM]
    if any(row.num_nan or row.num_inf for row in stream):
        return None
    largest = max((row.abs_max or 0.0 for row in stream), default=0.0)
    exponent = 0
    while math.ldexp(largest, -exponent) > LARGEST_FINITE[SCALED]:
        exponent += 1
    return exponent


def left_beyond(report: Report) -> list[WatchedRow]:
    """Return the tensors beyond fp16 that no scaling of the residual stream makes smaller.

    Args:
        report: Of profile deployment, which watches what is added to the stream.

    Returns:
        In the document's order; of what blocks put out, what a norm or a factor follows.
    """
    rows = list(watched_rows(report))
    added = {(row.role, row.layer, row.part): row.abs_max for row in rows}

    def scales(row: WatchedRow) -> bool:
        update = added.get((UPDATES.get(row.role, ""), row.layer, row.part), row.abs_max)
        return row.role in STREAM or (row.role in UPDATES and update == row.abs_max)

    limit = LARGEST_FINITE[SCALED]
    return [row for row in rows if (row.abs_max or 0.0) > limit and not scales(row)]
