"""The error of each format as an SVG: a bar of SQNR for each way of rounding.

Longer is better; a dot is the tensor that is rounded worst. Lines stand where the levels begin that
verdicts speak of.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hubmaxact.deployed_formats import KEY, LINEAR_INPUT, VALUE
from hubmaxact.rendering import numbers
from hubmaxact.rendering.fit import ways
from hubmaxact.rendering.fit.levels import LEVELS
from hubmaxact.rendering.fit.measured import has_errors
from hubmaxact.rendering.picture import colours, frame
from hubmaxact.rendering.picture.colours import look
from hubmaxact.report.derived import PooledRow
from hubmaxact.report.document import Report

WIDTH, SCALE = 560, 1.25
LEFT, RIGHT = 178, 500  # the bars, in pixels
TOP, ROW, BAR, CAPTION, FOOT = 100, 21, 11, 32, 44
MOST_DB = 44.0
CLASSES = ("ground", "title", "note", "tick", "mid", "grid", "bar", "worst", "reach", "label",
           "caption")  # fmt: skip

COLOURS = {
    "int8": "integer",
    "float8_e4m3fn": "float8",
    "float8_e5m2": "float8",
    "mxfp8": "float8",
    "mxfp4": "float4",
    "nvfp4": "float4",
}


class Bar(NamedTuple):
    """A way of rounding that is drawn, and what it is called."""

    name: str
    label: str


OF_INPUTS = (
    Bar("int8/per_tensor/max_abs", "INT8, one scale"),
    Bar("int8/per_tensor/mse", "INT8, best one scale"),
    Bar("int8/per_token/dynamic", "INT8, by token"),
    Bar("float8_e5m2/per_tensor/max_abs", "E5M2, one scale"),
    Bar("float8_e5m2/per_token/dynamic", "E5M2, by token"),
    Bar("float8_e4m3fn/per_tensor/max_abs", "E4M3, one scale"),
    Bar("float8_e4m3fn/per_token/dynamic", "E4M3, by token"),
    Bar("float8_e4m3fn/block_128/dynamic", "E4M3, blocks of 128"),
    Bar("mxfp8/block_32/dynamic", "MXFP8, blocks of 32"),
    Bar("mxfp4/block_32/dynamic", "MXFP4, blocks of 32"),
    Bar("nvfp4/block_16/max_abs", "NVFP4, blocks of 16"),
)
OF_CACHE = (
    Bar("float8_e4m3fn/per_tensor/unscaled", "E4M3, no scale"),
    Bar("float8_e4m3fn/per_tensor/max_abs", "E4M3, one scale"),
    Bar("float8_e5m2/per_tensor/max_abs", "E5M2, one scale"),
    Bar("int8/per_tensor/max_abs", "INT8, one scale"),
)
GROUPS = (
    ("What linear maps read", LINEAR_INPUT, OF_INPUTS),
    ("Keys", KEY, OF_CACHE),
    ("Values", VALUE, OF_CACHE),
)
"""What is drawn, from top to bottom; a way that was not measured is left out."""

Drawn = Sequence[tuple[Bar, PooledRow]]


def is_drawn(report: Report) -> bool:
    """Whether there is anything to draw."""
    return has_errors(report) and any(rows for _, rows in _groups(report))


def description(report: Report) -> str:
    """Say in words what the picture shows: its alt text."""
    groups = list(_groups(report))
    said = [
        f"{caption}: {best.label} {_db(row):.1f} dB at best, {worst.label} {_db(low):.1f} dB at "
        "worst"
        for caption, rows in groups
        for best, row in [max(rows, key=lambda each: _db(each[1]))]
        for worst, low in [min(rows, key=lambda each: _db(each[1]))]
    ]
    return f"Signal over the noise of rounding to each format. {'. '.join(said)}."


def svg(report: Report) -> str:
    """Return the picture as SVG text."""
    groups = list(_groups(report))
    rows = sum(len(drawn) for _, drawn in groups)
    bottom = TOP + rows * ROW + len(groups) * CAPTION
    size = frame.Size(WIDTH, bottom + FOOT, SCALE)
    series = ("integer", "float8", "float4")
    parts = [
        *frame.opening(f"Errors of rounding {frame.name(report)}", description(report), size),
        f"<style>{colours.style(series, CLASSES)}</style>",
        *frame.heading(f"{frame.name(report)}: errors of rounding", _facts(report), size),
        *_levels(bottom),
        *_bars(groups),
        *_legend(bottom),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _groups(report: Report) -> Iterator[tuple[str, Drawn]]:
    pooled = {
        (row["kind"], f"{row['format']}/{row['granularity']}/{row['policy']}"): row
        for row in report["quantization"].get("pooled", ())
        if row["sqnr_db"] is not None
    }
    for caption, kind, bars in GROUPS:
        rows = [(bar, pooled[kind, bar.name]) for bar in bars if (kind, bar.name) in pooled]
        if rows:
            yield caption, rows


def _facts(report: Report) -> str:
    texts = numbers.count(report["protocol"]["evaluation_samples"], "text")
    return f"signal over noise in dB (SQNR) over {texts}; longer is better"


def _at(sqnr_db: float) -> float:
    """The x of an SQNR; what lies outside stands at the edge."""
    share = min(max(sqnr_db, 0.0), MOST_DB) / MOST_DB
    return round(LEFT + share * (RIGHT - LEFT), 1)


def _levels(bottom: float) -> Iterator[str]:
    """A line where a level begins, its number below and its name above."""
    edges = [MOST_DB, *(max(level.least_db, 0.0) for level in LEVELS)]
    for level, high, low in zip(LEVELS, edges, edges[1:], strict=False):
        middle = (_at(low) + _at(high)) / 2
        yield f'<text {look("tick mid")} x="{middle:g}" y="{TOP - 14}">{level.word}</text>'
        yield f'<path {look("grid")} d="M{_at(low)} {TOP - 4}V{bottom}"/>'
        yield f'<text {look("tick mid")} x="{_at(low)}" y="{bottom + 16}">{low:g}</text>'


def _bars(groups: Sequence[tuple[str, Drawn]]) -> Iterator[str]:
    y = float(TOP)
    for caption, rows in groups:
        y += CAPTION
        yield f'<text {look("caption")} x="{frame.MARGIN}" y="{y - 10:g}">{caption}</text>'
        for bar, row in rows:
            yield from _bar(bar, row, y)
            y += ROW


def _bar(bar: Bar, row: PooledRow, y: float) -> Iterator[str]:
    """Name, bar and number; a dot for the tensor that is rounded worst, joined to the bar's end."""
    end, worst = _at(_db(row)), _at(ways.lowest_db(row))
    middle = y + BAR / 2
    yield f'<text {look("label")} x="{frame.MARGIN}" y="{middle + 4:g}">{bar.label}</text>'
    shape = f'x="{LEFT}" y="{y:g}" width="{end - LEFT:.1f}" height="{BAR}" rx="2"'
    yield f"<rect {look('bar', COLOURS[row['format']])} {shape}/>"
    if worst > end:  # a tensor of little weight in the sum may be all that is worse
        yield f'<path {look("reach")} d="M{end} {middle:g}H{worst}"/>'
    yield f'<circle {look("worst")} cx="{worst}" cy="{middle:g}" r="4"/>'
    number = f'x="{max(end, worst) + 9:.1f}" y="{middle + 4:g}"'
    yield f"<text {look('tick')} {number}>{_db(row):.1f}</text>"


def _legend(bottom: float) -> Iterator[str]:
    y = bottom + 33
    yield f'<circle {look("worst")} cx="{frame.MARGIN + 5}" cy="{y - 4:g}" r="4"/>'
    said = "the one tensor that is rounded worst; bars are of all together"
    yield f'<text {look("tick")} x="{frame.MARGIN + 16}" y="{y:g}">{said}</text>'


def _db(row: PooledRow) -> float:
    assert row["sqnr_db"] is not None
    return row["sqnr_db"]
