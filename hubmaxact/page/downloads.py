"""Rows as files to take away: CSV for spreadsheets, Parquet through the catalog.

Both hold every column of the catalog. A CSV cell that a spreadsheet would run as a formula gets an
apostrophe before it; numbers are written so that reading them gives the same numbers.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from hubmaxact.catalog.parquet import encode
from hubmaxact.catalog.row import HINTS, Row, Text, Truth

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(rows: Iterable[Row]) -> bytes:
    """Rows as UTF-8 CSV with a header; lists as JSON text, the unknown as nothing."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)
    writer.writerow(HINTS)
    writers = [(name, _written(hint)) for name, hint in HINTS.items()]
    for row in rows:
        columns = cast("dict[str, Any]", row)
        cells = ((columns[name], write) for name, write in writers)
        writer.writerow(["" if value is None else write(value) for value, write in cells])
    return sink.getvalue().encode("utf-8")


def as_parquet(rows: Sequence[Row]) -> bytes:
    """Rows as the catalog's own table."""
    return encode(rows)


def _written(hint: Any) -> Callable[[Any], Any]:
    if hint in (str, Text):
        return _text
    if hint == Truth:
        return lambda value: "true" if value else "false"
    if "list" in str(hint):
        return json.dumps
    return lambda value: value


def _text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
