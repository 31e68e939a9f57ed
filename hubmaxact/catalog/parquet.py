"""Rows as the bytes of one Parquet file, and back. The only module that knows pyarrow.

Equal rows give equal bytes under one version of pyarrow.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

from hubmaxact.catalog.row import (
    HINTS,
    LOSS_FIGURES,
    LossRow,
    Real,
    Row,
    SubsetRow,
    Text,
    Truth,
    Whole,
)
from hubmaxact.errors import HubmaxactError, MissingPackageError

COMPRESSION = "zstd"

Table = Any
"""A pyarrow.Table; pyarrow has no type annotations."""


class DamagedTableError(HubmaxactError):
    """Raised when bytes are not a table of releases."""


def arrow() -> Any:
    """Import pyarrow, with its Parquet part.

    Returns:
        The module `pyarrow`; `pyarrow.parquet` is an attribute of it.

    Raises:
        MissingPackageError: It is not installed, or cannot be loaded.
    """
    try:
        found = import_module("pyarrow")
        import_module("pyarrow.parquet")
    except (ImportError, OSError) as error:
        raise MissingPackageError("pyarrow", "space", "the catalog", error) from error
    return found


def encode(rows: Sequence[Row]) -> bytes:
    """Return rows as a Parquet file."""
    pa = arrow()
    table = pa.Table.from_pylist(cast("list[dict[str, Any]]", list(rows)), schema=_schema())
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(table, sink, compression=COMPRESSION)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def decode(content: bytes) -> Table:
    """Return the table in these bytes.

    Args:
        content: A Parquet file, whoever wrote it.

    Returns:
        The table, with this version's columns.

    Raises:
        DamagedTableError: They are not Parquet, or have other columns than this version's.
    """
    pa = arrow()
    try:
        # A thread of pyarrow's that is still starting when a short program ends aborts it.
        table = pa.parquet.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise DamagedTableError("the index is not a Parquet file; build it again.") from error
    if not table.schema.equals(_schema()):
        raise DamagedTableError("the index has other columns than this version; build it again.")
    return table


def rows_of(table: Table) -> list[Row]:
    """Return a table's rows as plain Python values."""
    return cast("list[Row]", table.to_pylist())


def _schema() -> Any:
    pa = arrow()
    subset = pa.struct(
        [
            ("size", pa.int64()),
            ("values", pa.list_(pa.float64())),
            ("range_over_mean", pa.float64()),
            ("coefficient_of_variation", pa.float64()),
        ]
    )
    loss = pa.struct(
        [
            *((name, pa.string()) for name in ("target", "format", "granularity", "policy")),
            ("num_samples", pa.int64()),
            *((name, pa.float64()) for name in LOSS_FIGURES),
        ]
    )
    types = {
        str: pa.string(),
        Text: pa.string(),
        Whole: pa.int64(),
        Real: pa.float64(),
        Truth: pa.bool_(),
        list[str]: pa.list_(pa.string()),
        list[str] | None: pa.list_(pa.string()),
        list[float | None] | None: pa.list_(pa.float64()),
        list[SubsetRow] | None: pa.list_(subset),
        list[LossRow] | None: pa.list_(loss),
    }
    return pa.schema([(name, types[hint]) for name, hint in HINTS.items()])
