"""A comparison as tables of words, for the terminal and for Markdown alike.

Reports are columns A, B, ...; where two of them are of one model, a column `A to B` says what
changed. `name` makes strangers' text safe for the place it will stand in.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from hubmaxact.comparison.comparison import Comparison, HeadroomRow, Int8Cell, LayerSeries
from hubmaxact.comparison.table import NONE, Name, Table, changes_of, head_of
from hubmaxact.formats import INT8_LABEL
from hubmaxact.rendering import numbers, words
from hubmaxact.report.comparability import ProtocolRow, grouped
from hubmaxact.report.roles import ROLE_BY_NAME

HEADROOM = (
    "Exceeded: some watched tensor, gates and routers included, held more. FP8 is deployed with "
    "scales: exceeding its unscaled range is no verdict."
)
INT8 = (
    "Per tensor, in dB. Deployed kernels do not quantize the residual stream: this describes "
    "tensors and predicts no accuracy."
)
DIGEST = 19  # characters of a digest that a table shows


def protocol(comparison: Comparison, name: Name) -> Table | None:
    """What differs in protocol; None when nothing does."""
    rows = [row for row in comparison.protocol if row.differs]
    if not rows:
        return None
    note = "" if comparison.comparable else "* Values cannot be compared across this difference."
    columns = [entry.column for entry in comparison.reports]
    return Table(
        caption="Protocol: what differs",
        head=("field", "value"),
        rows=tuple(_protocol_row(row, columns, name) for row in rows),
        note=note,
        numeric=False,
    )


def by_role(comparison: Comparison) -> Table:
    """The largest magnitude of each role, and its layer."""
    rows = []
    for row in comparison.by_role:
        sizes = [abs(cell["value"]) if cell else None for cell in row.cells]
        cells = [_placed(abs(cell["value"]), cell["layer"]) if cell else NONE for cell in row.cells]
        rows.append((ROLE_BY_NAME[row.role].title, *cells, *changes_of(comparison, sizes)))
    return Table(
        caption="Largest value by role (layer)", head=head_of("role", comparison), rows=tuple(rows)
    )


def by_layer(comparison: Comparison) -> Iterator[Table]:
    """A table for each role that layers have; equal rows that follow each other are closed up."""
    for series in comparison.by_layer.series:
        title = ROLE_BY_NAME[series.role].title
        aligned = comparison.by_layer.aligned_by
        yield Table(
            caption=f"Largest |{title}| by {aligned}",
            head=head_of(aligned, comparison),
            rows=tuple(_closed_up(comparison, series)),
            note=_alignment(comparison),
        )


def int8(comparison: Comparison, name: Name) -> Table | None:
    """SQNR under each policy; None when no report has such rows."""
    rows = []
    for row in comparison.int8:
        policy = words.POLICIES.get(row.policy) or name(row.policy)
        for title, figure in INT8_FIGURES:
            cells = (figure(cell) if cell else None for cell in row.cells)
            said = (NONE if dB is None else f"{dB:.1f}" for dB in cells)
            rows.append((f"{policy}, {title}", *said))
    if not rows:
        return None
    head = ("SQNR", *(entry.column for entry in comparison.reports))
    note = " ".join([INT8, *_reasons(comparison, name)])
    return Table(caption=f"INT8 ({INT8_LABEL})", head=head, rows=tuple(rows), note=note)


def dtype_headroom(comparison: Comparison) -> Table:
    """M over the largest finite value of each format."""
    head = ("format", "largest", *(entry.column for entry in comparison.reports))
    rows = [
        (row.format, numbers.value(row.largest_finite), *_headroom_cells(row))
        for row in comparison.dtype_headroom
    ]
    caption = "M over the largest finite value of each format, unscaled"
    return Table(caption=caption, head=head, rows=tuple(rows), note=HEADROOM)


def _at_peak(cell: Int8Cell) -> float | None:
    return cell.at_peak["sqnr_db"] if cell.at_peak else None


INT8_FIGURES: tuple[tuple[str, Callable[[Int8Cell], float | None]], ...] = (
    ("at M", _at_peak),
    ("lowest hidden state", lambda cell: cell.lowest_db),
    ("median hidden state", lambda cell: cell.median_db),
    ("highest hidden state", lambda cell: cell.highest_db),
    ("final norm", lambda cell: cell.final_norm_db),
)
"""What the INT8 table says of each policy."""


def _protocol_row(row: ProtocolRow, columns: Sequence[str], name: Name) -> tuple[str, str]:
    said = (f"{name(_short(value))} in {', '.join(at)}" for value, at in grouped(row, columns))
    return f"{name(row.field)}{' *' if row.decisive else ''}", "; ".join(said)


def _short(value: str) -> str:
    return f"{value[:DIGEST]}..." if value.startswith("sha256:") else value


def _placed(value: float, layer: int | None) -> str:
    return numbers.value(value) + ("" if layer is None else f" ({layer})")


def _closed_up(comparison: Comparison, series: LayerSeries) -> Iterator[tuple[str, ...]]:
    rows = enumerate(series.values)
    for values, group in groupby(rows, key=lambda row: row[1]):
        positions = [position for position, _ in group]
        cells = (NONE if value is None else numbers.value(value) for value in values)
        label = _row_label(comparison, positions[0], positions[-1])
        yield label, *cells, *changes_of(comparison, values)


def _row_label(comparison: Comparison, first: int, last: int) -> str:
    if comparison.by_layer.aligned_by == "layer":
        return numbers.ranges(range(first, last + 1))
    rows = len(comparison.by_layer.layers)
    return f"{100 * first / rows:.3g}-{100 * (last + 1) / rows:.3g} %"


def _alignment(comparison: Comparison) -> str:
    if comparison.by_layer.aligned_by == "layer":
        return ""
    counts = ", ".join(f"{e.column} has {e.num_layers}" for e in comparison.reports)
    return (
        f"The numbers of layers differ ({counts}): each row is an equal share of the depth and "
        "holds the largest of the layers in it."
    )


def _reasons(comparison: Comparison, name: Name) -> Iterator[str]:
    """Why a report has no value, once for each report."""
    for position, entry in enumerate(comparison.reports):
        cells = [row.cells[position] for row in comparison.int8]
        reason = next((cell.reason for cell in cells if cell and cell.reason), None)
        if reason:
            yield f"{entry.column}: {name(reason)}."


def _headroom_cells(row: HeadroomRow) -> Iterator[str]:
    for cell in row.cells:
        said = NONE if cell["ratio"] is None else numbers.ratio(cell["ratio"])
        yield f"{said}, exceeded" if cell["exceeded"] else said
