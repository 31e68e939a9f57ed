"""The rows of an index, held to what a page relies on.

An index may come from anybody's dataset: its digest says that it is whole, not that it is sound.
"""

import math
from collections.abc import Iterable
from typing import Any, cast

from hubmaxact.catalog.parquet import DamagedTableError, Table, rows_of
from hubmaxact.catalog.row import HINTS, LOSS_FIGURES, Real, Row
from hubmaxact.page.safe_text import collated, shown

NEVER_NULL = ("key", "name", "source", "trust", "protocol_key", "notes")
NEVER_NEGATIVE = ("abs_max", "size", "tokens_trained", "num_tokens", "num_layers")
OF_ROWS = ("subsets", "losses")
REALS = tuple(name for name, hint in HINTS.items() if hint == Real)
BY_LAYER = tuple(name for name in HINTS if name.endswith("_by_layer"))


def sound_rows(table: Table) -> list[Row]:
    """Return a table's rows in the order of their keys.

    Args:
        table: The catalog's table, which anybody may have written.

    Returns:
        Rows that a page can rely on: keys told apart, no infinity, no count below zero.

    Raises:
        DamagedTableError: A row lacks what every row has, or two have one key.
    """
    try:
        rows = rows_of(table)
    except UnicodeDecodeError as error:
        raise DamagedTableError(
            "the index holds text that is not UTF-8; build it again."
        ) from error
    for row in rows:
        _check(row)
        _drop_infinities(cast("dict[str, Any]", row))
    _check_keys(row["key"] for row in rows)
    return sorted(rows, key=lambda row: collated(row["key"]))


def _check(row: Row) -> None:
    columns = cast("dict[str, Any]", row)
    lacking = [name for name in NEVER_NULL if columns[name] is None]
    lacking += [f"whole {name}" for name in OF_ROWS if None in (columns[name] or ())]
    negative = [name for name in NEVER_NEGATIVE if (columns[name] or 0) < 0]
    if lacking or negative:
        what = f"no {lacking[0]}" if lacking else f"a negative {negative[0]}"
        raise DamagedTableError(
            f"a row of the index ({shown(str(row['key']))}) has {what}; build it again."
        )


def _check_keys(keys: Iterable[str]) -> None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise DamagedTableError(f"the index has two rows {shown(key)}; build it again.")
        seen.add(key)


def _drop_infinities(columns: dict[str, Any]) -> None:
    """JSON has no infinity and no NaN; a report cannot hold them, so null is what is known."""
    for name in REALS:
        columns[name] = _finite(columns[name])
    for name in BY_LAYER:
        if columns[name] is not None:
            columns[name] = [_finite(value) for value in columns[name]]
    for loss in columns["losses"] or ():
        for name in LOSS_FIGURES:
            loss[name] = _finite(loss[name])
    for subset in columns["subsets"] or ():
        subset["values"] = [_finite(value) for value in subset["values"] or ()]
        for name in ("range_over_mean", "coefficient_of_variation"):
            subset[name] = _finite(subset[name])


def _finite(value: float | None) -> float | None:
    return value if value is None or math.isfinite(value) else None
