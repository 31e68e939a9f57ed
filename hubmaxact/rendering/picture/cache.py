"""The largest key and value of each layer as an SVG, against the end of an FP8 cache."""

from collections.abc import Iterator

from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.rendering import numbers
from hubmaxact.rendering.picture import colours, elements, frame
from hubmaxact.rendering.picture.layers import CLASSES, INSET, SIZE
from hubmaxact.rendering.picture.scales import LayerScale, log_scale
from hubmaxact.report.document import Report
from hubmaxact.report.watched_rows import watched_rows

SERIES = ("key", "value")
LIMIT = LARGEST_FINITE["float8_e4m3fn"]
LIMITS = ((f"FP8 ends {LIMIT:g}", LIMIT),)


def is_drawn(report: Report) -> bool:
    """Whether there is anything to draw."""
    return any(value is not None for row in _lines(report).values() for value in row)


def description(report: Report) -> str:
    """Say in words what the picture shows: its alt text."""
    lines = _lines(report)
    said = [
        f"{role}s reach {numbers.value(max(seen))}"
        for role, row in lines.items()
        if (seen := [value for value in row if value is not None])
    ]
    beyond = any((value or 0.0) > LIMIT for row in lines.values() for value in row)
    return (
        f"Largest key and value of each layer on a log axis: {', '.join(said)}; "
        f"{'some exceed' if beyond else 'none exceeds'} {LIMIT:g}, where an FP8 cache without "
        "scales ends."
    )


def svg(report: Report) -> str:
    """Return the picture as SVG text."""
    lines = _lines(report)
    seen = [value for row in lines.values() for value in row if value is not None]
    y = log_scale(seen, reach=LIMIT, top=elements.TOP, bottom=elements.BOTTOM)
    left, right = elements.LEFT + INSET, elements.RIGHT - INSET
    x = LayerScale(num_layers=report["model"]["num_layers"], left=left, right=right)
    parts = [
        *frame.opening(f"Keys and values of {frame.name(report)}", description(report), SIZE),
        f"<style>{colours.style(SERIES, CLASSES)}</style>",
        *frame.heading(f"{frame.name(report)}: KV cache", _facts(report), SIZE),
        *elements.limit_lines(LIMITS, y),
        *elements.axes(x, y, ends={}),
        *(part for role, row in lines.items() for part in elements.series(role, row, x, y)),
        *elements.names(LIMITS, lines, y),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _facts(report: Report) -> str:
    corpus = report["protocol"]["corpus"]
    tokens = numbers.count(corpus["num_tokens"], "token")
    return (
        f"largest |key| and |value| over {tokens} of {corpus['name']}, as the cache is given them"
    )


def _lines(report: Report) -> dict[str, list[float | None]]:
    return {role: list(_largest(report, role)) for role in SERIES}


def _largest(report: Report, role: str) -> Iterator[float | None]:
    """Of each layer, over its parts; None where nothing finite was cached."""
    rows = [row for row in watched_rows(report) if row.role == role]
    for layer in range(report["model"]["num_layers"]):
        found = [row.abs_max for row in rows if row.layer == layer and row.abs_max is not None]
        yield max(found, default=None)
