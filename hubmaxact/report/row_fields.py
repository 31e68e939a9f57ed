"""Fields of typed rows whose names stand in a table: what the type checker cannot look up."""

from collections.abc import Iterable, Mapping
from typing import Any


def field(row: Mapping[str, object], name: str) -> Any:
    """Return one field of a row.

    Args:
        row: A dict of a report or of a catalog.
        name: A field that the row's type has; that is for the caller to know.

    Returns:
        Its value.
    """
    return row[name]


def fields(row: Mapping[str, object], names: Iterable[str]) -> dict[str, Any]:
    """Return some fields of a row, in the order of their names."""
    return {name: row[name] for name in names}
