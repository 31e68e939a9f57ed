"""The parts of the per-layer picture, each as SVG elements: axes, limits, lines, names, the peak.

Knows scales and values; knows nothing of reports.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

from hubmaxact.rendering import numbers
from hubmaxact.rendering.escape import xml
from hubmaxact.rendering.picture.colours import look
from hubmaxact.rendering.picture.scales import LayerScale, LogScale, spread
from hubmaxact.report.roles import ROLE_BY_NAME

LEFT, RIGHT, TOP, BOTTOM = 76, 792, 84, 372  # the plot, in pixels
NAME_X = 806
NAME_GAP = 17
RAISED = str.maketrans(
    "-0123456789", "\u207b\u2070\xb9\xb2\xb3\u2074\u2075\u2076\u2077\u2078\u2079"
)
MOST_DOTS = 64
ENDS = {-math.inf: "emb", math.inf: "norm"}
LOOK_OF = {"hidden_state": "line heavy", "mid_residual": "line between"}
"""The residual stream, which everything else is added to, after layers and within them."""
GAP, WIDTH, HEAVY_WIDTH = 6, 6.7, 8.4  # of letters of the peak's label, in wide type
PEAK_STEPS = (-14, 26, -28, 40, -42)  # label heights to try; one of them clears three limits

Values = Sequence[float | None]
Limits = Sequence[tuple[str, float]]


def slot(role: str, layer: int | None) -> float:
    """A site's place on the axis of layers; the scale keeps the infinite ones in its end slots."""
    if layer is not None:
        return layer
    return -math.inf if role == "embedding" else math.inf


def axes(x: LayerScale, y: LogScale, ends: Mapping[float, str] = ENDS) -> Iterator[str]:
    """A line and a number for each decade, numbers for layers, names for the end slots."""
    for exponent in y.decades():
        height = y.at(10.0**exponent)
        yield f'<path {look("grid")} d="M{LEFT} {height}H{RIGHT}"/>'
        place = f'x="{LEFT - 8}" y="{height + 4:g}"'
        yield f"<text {look('tick end')} {place}>{power(exponent)}</text>"
    ticks = {x.at(layer): str(layer) for layer in x.ticks()}
    ticks |= {x.at(slot_x): name for slot_x, name in ends.items()}
    for place_x, name in ticks.items():
        yield f'<text {look("tick mid")} x="{place_x}" y="{BOTTOM + 20}">{name}</text>'
    yield f'<path {look("axis")} d="M{LEFT} {BOTTOM}H{RIGHT}"/>'
    middle = (LEFT + RIGHT) / 2
    yield f'<text {look("note mid")} x="{middle:g}" y="{BOTTOM + 46}">decoder layer</text>'


def power(exponent: int) -> str:
    """A decade as people write it: 0.1, 10, 1k, 100k, then powers."""
    if -3 <= exponent < 3:
        return f"{10.0**exponent:g}"
    if 3 <= exponent < 6:
        return f"{10 ** (exponent - 3)}k"
    return f"10{str(exponent).translate(RAISED)}"


def limit_lines(limits: Limits, y: LogScale) -> Iterator[str]:
    """A tint above the first limit, and a line for each."""
    first = y.at(limits[0][1])
    size = f'width="{RIGHT - LEFT}" height="{first - TOP:.1f}"'
    yield f'<rect {look("beyond")} x="{LEFT}" y="{TOP}" {size}/>'
    for _, limit in limits:
        yield f'<path {look("limit")} d="M{LEFT} {y.at(limit)}H{RIGHT}"/>'


def series(role: str, values: Values, x: LayerScale, y: LogScale) -> Iterator[str]:
    """A path with a gap at every missing layer; dots where there is room, or where one is alone."""
    points = [None if v is None else (x.at(n), y.at(v)) for n, v in enumerate(values)]
    neighbours = list(zip([None, *points[:-1]], points, [*points[1:], None], strict=True))
    steps = [
        f"{'L' if before else 'M'}{point[0]} {point[1]}"
        for before, point, _ in neighbours
        if point is not None
    ]
    if steps:
        yield f'<path {look(LOOK_OF.get(role, "line"), role)} d="{"".join(steps)}"/>'
    for before, point, after in neighbours:
        alone = before is None and after is None
        if point is not None and (alone or len(points) <= MOST_DOTS):
            yield f'<circle {look("dot", role)} cx="{point[0]}" cy="{point[1]}" r="2.2"/>'


def embedding_and_norm(
    values: Mapping[str, float | None], x: LayerScale, y: LogScale
) -> Iterator[str]:
    """Diamonds for the embedding and the final norm, which are no layers."""
    for role, value in values.items():
        if value is not None:
            top = f"M{x.at(slot(role, None))} {y.at(value) - 5:.1f}"
            yield f'<path {look("end-mark")} d="{top}l5 5l-5 5l-5-5z"/>'


def names(limits: Limits, lines: Mapping[str, Values], y: LogScale) -> Iterator[str]:
    """Names at the right edge, at the height of what they name, pushed apart where they meet."""
    labels = [(look("limit-name"), name, y.at(limit)) for name, limit in limits]
    for role, values in lines.items():
        last = next((value for value in reversed(values) if value is not None), None)
        if last is not None:
            labels.append((look("name", role), ROLE_BY_NAME[role].title, y.at(last)))
    heights = spread([height for _, _, height in labels], gap=NAME_GAP, top=TOP, bottom=BOTTOM)
    for (style, name, wanted), height in zip(labels, heights, strict=True):
        yield f'<path {look("lead")} d="M{RIGHT} {wanted}L{NAME_X - 4} {height}"/>'
        yield f'<text {style} x="{NAME_X}" y="{height + 4:.1f}">{xml(name)}</text>'


def peak(value: float, where: str, centre: tuple[float, float], lines: Sequence[float]) -> str:
    """A ring around the peak, and its value and place where no limit's line crosses them."""
    px, py = centre
    ty = next(py + step for step in PEAK_STEPS if all(abs(py + step - 5 - at) > 9 for at in lines))
    number, name = f"M = {numbers.value(value)}", xml(where)
    # Beside the ring when below it: a residual stream rises steeply to its peak.
    shift = -6 if ty < py else 12
    # By widths of letters: not every renderer can end a text of two weights at a place.
    width = len(number) * HEAVY_WIDTH + GAP + len(where) * WIDTH
    tx = px - shift - width if px > (LEFT + RIGHT) / 2 else px + shift
    place = f'x="{tx:.1f}" y="{ty:.1f}"'
    # A ground around the letters, as an element of its own: few renderers know paint-order.
    return (
        f'<circle {look("ring")} cx="{px}" cy="{py}" r="6.5"/>\n'
        f'<text {look("halo")} aria-hidden="true" {place}>'
        f'{number}<tspan {look("faint")} dx="{GAP}">{name}</tspan></text>\n'
        f"<text {look('peak')} {place}>"
        f'{number}<tspan {look("where")} dx="{GAP}">{name}</tspan></text>'
    )
