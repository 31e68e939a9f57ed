"""What deployed kernels see, as tables of words: caches, errors of rounding, losses."""

from collections.abc import Iterator

from hubmaxact.comparison.comparison import CacheCell, Comparison, RoundingRow
from hubmaxact.comparison.table import NONE, Name, Table, changes_of, head_of
from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.rendering import numbers
from hubmaxact.rendering.end_to_end_words import TARGETS
from hubmaxact.rendering.fit import ways
from hubmaxact.rendering.section_rounding import KINDS, is_told
from hubmaxact.report.derived import EndToEndRow, PooledRow
from hubmaxact.report.roles import ROLE_BY_NAME

LIMIT = f"{LARGEST_FINITE['float8_e4m3fn']:g}"
BEYOND = f"An FP8 (E4M3) cache ends at {LIMIT} unless it is given scales."
ROUNDING = (
    "SQNR in dB over all tensors of a kind, in parentheses that of the tensor that is rounded "
    "worst. Weights are not rounded."
)
LOSS = "Nats a token, in parentheses the interval over texts."


def kv(comparison: Comparison) -> Table | None:
    """The largest key and value, and its layer; None where no report has any."""
    rows = []
    for row in comparison.kv:
        sizes = [cell.abs_max if cell else None for cell in row.cells]
        cells = [_cached(cell) if cell else NONE for cell in row.cells]
        title = ROLE_BY_NAME[row.role].title
        rows.append((title, *cells, *changes_of(comparison, sizes)))
    if not rows:
        return None
    head = head_of("cached", comparison)
    return Table(caption="Largest key and value (layer)", head=head, rows=tuple(rows), note=BEYOND)


def rounding(comparison: Comparison, name: Name) -> Table | None:
    """The error of each way of rounding; None where no report has a value."""
    rows = [
        (_way(row), *map(_sqnr, row.cells))
        for row in comparison.rounding
        if any(cell and cell["sqnr_db"] is not None and is_told(cell) for cell in row.cells)
    ]
    if not rows:
        return None
    head = ("tensors, rounded to", *(entry.column for entry in comparison.reports))
    note = " ".join([ROUNDING, *_reasons(comparison, name)])
    return Table(caption="Errors of rounding", head=head, rows=tuple(rows), note=note)


def end_to_end(comparison: Comparison) -> Table | None:
    """The change of loss of each run with rounding; None where no report has one."""
    rows = []
    for row in comparison.end_to_end:
        known = next(cell for cell in row.cells if cell is not None)
        title = f"{TARGETS.get(row.target, ways.UNKNOWN)}, {ways.words(known)}"
        rows.append((title, *map(_loss, row.cells)))
    if not rows:
        return None
    head = ("rounded", *(entry.column for entry in comparison.reports))
    return Table(caption="Change of loss with rounding", head=head, rows=tuple(rows), note=LOSS)


def _cached(cell: CacheCell) -> str:
    size = NONE if cell.abs_max is None else f"{numbers.value(cell.abs_max)} ({cell.layer})"
    beyond = f", {cell.num_beyond} of {cell.num_tensors} beyond" if cell.num_beyond else ""
    broken = f", {cell.num_non_finite} not finite" if cell.num_non_finite else ""
    return f"{size}{beyond}{broken}"


def _way(row: RoundingRow) -> str:
    known = next(cell for cell in row.cells if cell is not None)
    return f"{KINDS.get(row.kind, ways.UNKNOWN)}, {ways.words(known)}"


def _sqnr(cell: PooledRow | None) -> str:
    if cell is None or cell["sqnr_db"] is None:
        return NONE
    worst = f" ({cell['worst'][0]['sqnr_db']:.1f})" if cell["worst"] else ""
    return f"{cell['sqnr_db']:.1f}{worst}"


def _loss(cell: EndToEndRow | None) -> str:
    if cell is None or cell["loss_change"] is None:
        return NONE
    mean, low, high = (f"{cell['loss_change'][key]:+.3g}" for key in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"


def _reasons(comparison: Comparison, name: Name) -> Iterator[str]:
    """Why a report has no value for some row, once for each report."""
    for position, entry in enumerate(comparison.reports):
        cells = [row.cells[position] for row in comparison.rounding]
        reason = next((cell["reason"] for cell in cells if cell and cell["reason"]), None)
        if reason:
            yield f"{entry.column}: {name(reason)}."
