"""Everything that a report says it watched, whichever of its arrays the row stands in."""

from collections.abc import Iterator
from typing import NamedTuple

from hubmaxact.report.document import Report


class WatchedRow(NamedTuple):
    """What every watched tensor has."""

    path: str
    role: str
    layer: int | None
    part: str | None
    module: str
    abs_max: float | None
    num_nan: int
    num_inf: int


def watched_rows(report: Report) -> Iterator[WatchedRow]:
    """Yield a row for each tensor that fired: sites, linear inputs, keys, values and queries.

    Args:
        report: Of any profile, of the right shape.

    Yields:
        The rows, in the document's order. Experts have none: what they read stands in
        `linear_inputs` too.
    """
    for position, site in enumerate(report["sites"]):
        place = (site["role"], site["layer"], site["part"], site["module"])
        values = (site["abs_max"], site["num_nan"], site["num_inf"])
        yield WatchedRow(f"sites[{position}]", *place, *values)
    for position, read in enumerate(report.get("linear_inputs", ())):
        place = ("linear_input", read["layer"], read["part"], read["modules"][0])
        values = (read["abs_max"], read["num_nan"], read["num_inf"])
        yield WatchedRow(f"linear_inputs[{position}]", *place, *values)
    yield from _cached(report)


def _cached(report: Report) -> Iterator[WatchedRow]:
    for position, row in enumerate(report.get("kv", ())):
        for role, found in (("key", row["key"]), ("value", row["value"]), ("query", row["query"])):
            if found is not None:
                place = (role, row["layer"], row["part"], row["module"])
                values = (found["abs_max"], found["num_nan"], found["num_inf"])
                yield WatchedRow(f"kv[{position}].{role}", *place, *values)
