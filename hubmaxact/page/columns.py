"""The columns of the page's table of releases: which there are, and what stands in a cell.

Adding a column is adding a row here. The catalog has many more; a release's own view shows them.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from hubmaxact.catalog.row import Row
from hubmaxact.page.safe_text import shown
from hubmaxact.page.verdict import site
from hubmaxact.report.row_fields import field

Kind = Literal["text", "number", "count", "flag", "db", "loss"]
Cell = str | float | bool | None


class Column(NamedTuple):
    """One column of the table."""

    name: str
    label: str
    kind: Kind
    description: str
    cell: Callable[[Row], Cell]
    sortable: bool = True


def weights(row: Row) -> str | None:
    """How the weights are stored: their quantization, else their number format."""
    return row["weights_quantization"] or row["weights_dtype"]


def _text(name: str) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        text: str | None = field(row, name)
        return None if text is None else shown(text)

    return cell


def _plain(name: str) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        value: Cell = field(row, name)
        return value

    return cell


def _weights(row: Row) -> Cell:
    text = weights(row)
    return None if text is None else shown(text)


COLUMNS = (
    Column("name", "Release", "text", "The release: a Hub repo, a file, or a name in the paper.",
           _text("name")),
    Column("family", "Family", "text", "Model family.", _text("family")),
    Column("architecture", "Type", "text", "dense, or moe: a mixture of experts.",
           _text("architecture")),
    Column("stage", "Stage", "text", "Training stage, such as base or instruct.", _text("stage")),
    Column("size", "Parameters", "count", "Counted, else as the release's name says.",
           _plain("size")),
    Column("weights", "Weights", "text", "Quantization or number format of the stored weights.",
           _weights),
    Column("abs_max", "M", "number", "The largest activation, without its sign.",
           _plain("abs_max")),
    Column("exceeds_float16", "Beyond fp16", "flag",
           "Whether a watched tensor exceeded 65,504, the largest value of fp16.",
           _plain("exceeds_float16")),
    Column("carrier", "M sits in", "text", "The tensor that holds M; the first of tied ones.",
           site),
    Column("int8_max_abs_sqnr_db", "INT-8 SQNR (dB)", "db",
           "INT-8 diagnostic at M, max-abs scale, as in arXiv:2605.15572; higher is better.",
           _plain("int8_max_abs_sqnr_db")),
    Column("linear_fp8_token_db", "FP8 inputs (dB)", "db",
           "SQNR of what linear maps read, in FP8 E4M3 with a scale for each token.",
           _plain("linear_fp8_token_db")),
    Column("linear_mxfp4_db", "MXFP4 inputs (dB)", "db",
           "SQNR of what linear maps read, in MXFP4; higher is better.",
           _plain("linear_mxfp4_db")),
    Column("kv_fp8_unscaled_db", "FP8 cache (dB)", "db",
           "SQNR of keys or of values, the lower, in FP8 E4M3 without a scale.",
           _plain("kv_fp8_unscaled_db")),
    Column("loss_worst_change", "Worst loss", "loss",
           "Largest change of loss with rounding really applied, among the ways asked for; "
           "nats a token.",
           _plain("loss_worst_change")),
)  # fmt: skip

COLUMN_BY_NAME = {column.name: column for column in COLUMNS}
"""Every column under its name."""
