"""What deployed formats lose, as columns: the few of a report's pooled rows that tables show."""

from collections.abc import Callable, Sequence
from typing import Any

from hubmaxact.deployed_formats import (
    E4M3_TOKEN,
    INT8_TOKEN,
    KEY,
    LINEAR_INPUT,
    MAX_ABS,
    MXFP4,
    MXFP8,
    NVFP4,
    PER_TENSOR,
    UNSCALED,
    VALUE,
    DeployedFormat,
)
from hubmaxact.report.derived import PooledRow
from hubmaxact.report.document import Report


def _per_tensor(name: str, policy: str) -> DeployedFormat:
    return next(way for way in PER_TENSOR if (way.format, way.policy) == (name, policy))


LINEAR_INPUTS = {
    "linear_int8_tensor_db": _per_tensor("int8", MAX_ABS),
    "linear_int8_token_db": INT8_TOKEN,
    "linear_fp8_tensor_db": _per_tensor("float8_e4m3fn", MAX_ABS),
    "linear_fp8_token_db": E4M3_TOKEN,
    "linear_mxfp8_db": MXFP8,
    "linear_mxfp4_db": MXFP4,
    "linear_nvfp4_db": NVFP4,
}
"""Column -> the way that it tells of."""

CACHE_COLUMN = "kv_fp8_unscaled_db"
CACHE = _per_tensor("float8_e4m3fn", UNSCALED)


def pooled_columns(report: Report) -> dict[str, Any]:
    """Return columns; those of rows that are not there, or were not measured, are null."""
    rows = {
        (row["kind"], row["format"], row["granularity"], row["policy"]): row
        for row in report["quantization"].get("pooled", ())
    }

    def row_of(kind: str, way: DeployedFormat) -> PooledRow | None:
        return rows.get((kind, way.format, way.granularity, way.policy))

    found = {column: row_of(LINEAR_INPUT, way) for column, way in LINEAR_INPUTS.items()}
    cached = [row_of(kind, CACHE) for kind in (KEY, VALUE)]
    return {
        **{column: row and row["sqnr_db"] for column, row in found.items()},
        **_lowest({column: [row] for column, row in found.items()} | {CACHE_COLUMN: cached}),
        CACHE_COLUMN: _of_both(min, [row and row["sqnr_db"] for row in cached]),
        "kv_fp8_unscaled_clip_rate": _of_both(max, [row and row["clip_rate"] for row in cached]),
    }


def _lowest(found: dict[str, list[PooledRow | None]]) -> dict[str, Any]:
    """The tensor that each way rounds worst; nothing where a kind was not measured."""
    columns: dict[str, Any] = {}
    for column, rows in found.items():
        if all(row and row["worst"] for row in rows):
            worst = (row["worst"][0] for row in rows if row)
            each = min(worst, key=lambda tensor: tensor["sqnr_db"])
            name = column.removesuffix("_db")
            columns[f"{name}_lowest_db"] = each["sqnr_db"]
            columns[f"{name}_lowest_module"] = each["module"]
    return columns


def _of_both(worse: Callable[[list[float]], float], values: Sequence[float | None]) -> float | None:
    """The worse one; None where one is not known."""
    known = [value for value in values if value is not None]
    return worse(known) if len(known) == len(values) else None
