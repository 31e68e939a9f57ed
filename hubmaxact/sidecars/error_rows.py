"""What every tensor loses each way it is rounded, as the bytes of `quantization.parquet`, and back.

The only module of this room that knows pyarrow, which the base install has not. Equal rows give
equal bytes under one version of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast, get_type_hints

from hubmaxact.errors import MissingPackageError
from hubmaxact.report.deployment import QUANTIZATION
from hubmaxact.sidecars.beside import SidecarError

MOST_ROWS = 1 << 19
MOST_BYTES = 1 << 26
"""Rows of one file, and bytes of one column in one group of rows: more than any model's."""


class ErrorRow(TypedDict):
    """One way of rounding one tensor, over the finite values of the evaluation split."""

    kind: str
    layer: int
    module: str
    format: str
    granularity: str
    policy: str
    threshold: float | None
    sum_sq: float
    err_sq: float
    count: int
    clip_rate: float
    underflow_rate: float


TEXTS = ("kind", "module", "format", "granularity", "policy")


def encode(rows: Sequence[ErrorRow], metadata: Mapping[str, str]) -> bytes:
    """Return a whole file.

    Args:
        rows: Of all tensors.
        metadata: Text by name: what the file is and what it is of.

    Returns:
        Its content.

    Raises:
        MissingPackageError: pyarrow is not installed, or cannot be loaded.
    """
    pa = _arrow()
    table = pa.Table.from_pylist(cast("list[dict[str, Any]]", list(rows)), schema=_schema(pa))
    sink = pa.BufferOutputStream()
    with pa.parquet.ParquetWriter(
        sink, table.schema, compression="zstd", store_schema=False
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(dict(metadata))
    content: bytes = sink.getvalue().to_pybytes()
    return content


def decode(content: bytes) -> list[ErrorRow]:
    """Return the rows in these bytes.

    Args:
        content: Of a file, whoever wrote it.

    Returns:
        Rows, in the file's order.

    Raises:
        MissingPackageError: pyarrow is not installed, or cannot be loaded.
        SidecarError: It is no such file, or claims more than any model has.
    """
    pa = _arrow()
    try:
        file = pa.parquet.ParquetFile(pa.BufferReader(content))
        _check(pa, file.metadata, file.schema_arrow)
        # Texts stay one text for all rows that have it, whatever its length.
        file = pa.parquet.ParquetFile(pa.BufferReader(content), read_dictionary=TEXTS)
        # A thread of pyarrow's that is still starting when a short program ends aborts it.
        table = file.read(use_threads=False)
        return cast("list[ErrorRow]", table.to_pylist())
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise SidecarError(f"{QUANTIZATION} is no sound Parquet file. Measure again.") from error


def can_be_read() -> bool:
    """Whether pyarrow is here."""
    try:
        _arrow()
    except MissingPackageError:
        return False
    return True


def _check(pa: Any, metadata: Any, schema: Any) -> None:
    """Read nothing that has other columns, or that unpacks to more than any model has."""
    if not schema.equals(_schema(pa)):
        raise SidecarError(f"{QUANTIZATION} has other columns than it should. Measure again.")
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    columns = (group.column(number) for group in groups for number in range(group.num_columns))
    if metadata.num_rows > MOST_ROWS or any(
        column.total_uncompressed_size > MOST_BYTES for column in columns
    ):
        raise SidecarError(f"{QUANTIZATION} holds more than any model has. Measure again.")


def _schema(pa: Any) -> Any:
    """A column for each field; those that may be null are optional."""
    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), float | None: pa.float64()}
    return pa.schema(
        [
            pa.field(name, types[hint], nullable=hint == float | None)
            for name, hint in get_type_hints(ErrorRow).items()
        ]
    )


def _arrow() -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet  # an attribute of pyarrow from then on
    except (ImportError, OSError) as error:
        raise MissingPackageError("pyarrow", "measure", QUANTIZATION, error) from error
    return pa
