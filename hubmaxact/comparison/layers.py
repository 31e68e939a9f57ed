"""Layers of several models in one table: by number, or by depth where their numbers differ."""

from collections.abc import Sequence

from hubmaxact.comparison.comparison import LayerSeries, LayerTable
from hubmaxact.report.document import Report
from hubmaxact.report.roles import ROLES
from hubmaxact.report.summaries import per_layer


def layer_table(reports: Sequence[Report]) -> LayerTable:
    """Hold the layers of these reports against each other, role by role."""
    counts = [report["model"]["num_layers"] for report in reports]
    rows = min(counts)
    spans = tuple(
        tuple(_span(row, rows, num_layers) for num_layers in counts) for row in range(rows)
    )
    series = (_series(role.name, reports, spans) for role in ROLES if role.per_layer)
    return LayerTable(
        aligned_by="layer" if len(set(counts)) == 1 else "depth",
        layers=spans,
        series=tuple(each for each in series if each is not None),
    )


def _span(row: int, rows: int, num_layers: int) -> tuple[int, int]:
    """First and last layer whose middle lies in this row's share of the depth.

    Layer l of L lies at (l + 1/2) / L; whole numbers throughout, so that no layer is lost or
    counted twice. `rows` is at most `num_layers`, so no row is empty.
    """
    return _first(row, rows, num_layers), _first(row + 1, rows, num_layers) - 1


def _first(row: int, rows: int, num_layers: int) -> int:
    """The first layer l with (2 l + 1) rows >= 2 row num_layers."""
    return -((rows - 2 * row * num_layers) // (2 * rows))


def _series(
    role: str, reports: Sequence[Report], spans: Sequence[Sequence[tuple[int, int]]]
) -> LayerSeries | None:
    """The values of one role, or None when no report has any."""
    lines = [per_layer(report, role) for report in reports]
    values = tuple(
        tuple(
            _largest(line[first : last + 1]) for line, (first, last) in zip(lines, row, strict=True)
        )
        for row in spans
    )
    seen = any(value is not None for line in lines for value in line)
    return LayerSeries(role=role, values=values) if seen else None


def _largest(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
