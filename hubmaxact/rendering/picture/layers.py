"""The per-layer maxima as an SVG: a log axis, the limits of number formats, the peak named.

Self-contained: no script, no font and no reference outside; light and dark by the reader's
colour scheme, on a ground of its own because an embedded picture cannot see the page's. The same
report gives the same bytes.
"""

from collections.abc import Iterator

from hubmaxact.formats import FP16_LIMIT, LARGEST_FINITE, SHORT_NAMES
from hubmaxact.rendering import numbers, words
from hubmaxact.rendering.picture import colours, elements, frame
from hubmaxact.rendering.picture.scales import LayerScale, LogScale, log_scale
from hubmaxact.report.document import Report
from hubmaxact.report.summaries import per_layer

SIZE = frame.Size(960, 440)
INSET = 12

SERIES = ("attention_output", "mlp_output", "mid_residual", "hidden_state")
"""Drawn in this order where they were measured: the residual stream on top."""

CLASSES = (
    "ground", "title", "note", "tick", "end", "mid", "grid", "axis", "limit", "limit-name",
    "beyond", "line", "heavy", "between", "dot", "name", "lead", "end-mark", "ring", "peak", "halo",
    "where", "faint",
)  # fmt: skip
"""What its elements look like; the style sheet has no more."""

EMBEDDING_AND_NORM = ("embedding", "final_norm")

GATES_AND_ROUTERS = ("mlp_gate", "router_logits")

NEAR = 8.0
"""FP8 limits are shown when something comes within this factor of them, fp16 always."""

LIMITS = (("fp16 max", "float16"), ("E5M2 max", "float8_e5m2"), ("E4M3 max", "float8_e4m3fn"))


def description(report: Report) -> str:
    """Say in words what the picture shows: its alt text."""
    peak, layers = report["global_max"], numbers.count(report["model"]["num_layers"], "layer")
    start = f"Largest activation of each of {layers} on a log axis"
    if peak is None:
        return f"{start}: no finite value was seen."
    side = "above" if peak["abs_max"] > FP16_LIMIT else "below"
    said = (
        f"{start}: the peak is {numbers.value(peak['abs_max'])} in the "
        f"{words.title(peak['role'], peak['layer'])}, {side} the fp16 limit of 65,504."
    )
    if side == "below" and report["dtype_headroom"]["float16"]["exceeded"]:
        where = report["dtype_headroom"]["float16"]["where"]
        infinite = where is not None and where["abs_max"] is None
        beside = where is not None and where["role"] not in GATES_AND_ROUTERS
        what = "Another watched tensor" if beside else "A gate or a router"
        said += " Infinity was seen." if infinite else f" {what} exceeds that limit."
    return said


def layers_svg(report: Report) -> str:
    """Return the picture as SVG text."""
    lines = {role: per_layer(report, role) for role in _series(report)}
    drawn = tuple(dict.fromkeys((*colours.SERIES, *lines)))
    beside = {role: _only(report, role) for role in EMBEDDING_AND_NORM}
    values = [value for row in (*lines.values(), beside.values()) for value in row]
    seen = [value for value in values if value is not None]
    limits = _limits(seen)
    y = log_scale(seen, reach=FP16_LIMIT, top=elements.TOP, bottom=elements.BOTTOM)
    x = LayerScale(
        num_layers=report["model"]["num_layers"],
        left=elements.LEFT + INSET,
        right=elements.RIGHT - INSET,
    )
    parts = [
        *frame.opening(f"Activation maxima of {frame.name(report)}", description(report), SIZE),
        f"<style>{colours.style(drawn, CLASSES)}</style>",
        *frame.heading(frame.name(report), _facts(report), SIZE),
        *elements.limit_lines(limits, y),
        *elements.axes(x, y),
        *(part for role, row in lines.items() for part in elements.series(role, row, x, y)),
        *elements.embedding_and_norm(beside, x, y),
        *elements.names(limits, lines, y),
        *_peak(report, [y.at(limit) for _, limit in limits], x, y),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _series(report: Report) -> list[str]:
    """All, without the one that profile deployment alone measures where it was not measured."""
    measured = {site["role"] for site in report["sites"]}
    return [role for role in SERIES if role in measured or role in colours.SERIES]


def _only(report: Report, role: str) -> float | None:
    return next((site["abs_max"] for site in report["sites"] if site["role"] == role), None)


def _limits(seen: list[float]) -> list[tuple[str, float]]:
    largest = max(seen, default=0.0)
    return [
        (f"{title} {numbers.value(LARGEST_FINITE[name])}", LARGEST_FINITE[name])
        for title, name in LIMITS
        if name == "float16" or largest * NEAR >= LARGEST_FINITE[name]
    ]


def _facts(report: Report) -> str:
    corpus, dtype = report["protocol"]["corpus"], SHORT_NAMES[report["protocol"]["dtype"]]
    tokens = numbers.count(corpus["num_tokens"], "token")
    facts = f"largest |activation| over {tokens} of {corpus['name']}, {dtype}"
    if report["status"] != "complete":
        facts += f" ({report['status'].replace('_', '-')})"
    return facts


def _peak(report: Report, lines: list[float], x: LayerScale, y: LogScale) -> Iterator[str]:
    peak = report["global_max"]
    if peak is not None:
        place = (x.at(elements.slot(peak["role"], peak["layer"])), y.at(peak["abs_max"]))
        where = words.title(peak["role"], peak["layer"]).replace(" of ", ", ")
        yield elements.peak(peak["abs_max"], where, place, lines)
