"""The saturation curve as an SVG: what random subsets of the texts reach, up to all of them.

A curve that is flat at its end says that more texts like these add little; a tail that was inferred
stands apart, dashed.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hubmaxact.formats import FP16_LIMIT
from hubmaxact.rendering import numbers
from hubmaxact.rendering.picture import colours, frame
from hubmaxact.rendering.picture.colours import look
from hubmaxact.rendering.picture.scales import spread
from hubmaxact.report.document import Report
from hubmaxact.report.stability import MaximaByText, TextMaxima

SIZE = frame.Size(560, 340, 1.25)
LEFT, RIGHT, TOP, BOTTOM = 74, 378, 78, 280  # the plot, in pixels
NAME_X, NAME_GAP = 390, 17
NAMES = {"all_tokens": "all tokens", "after_first_token": "no first tokens"}
CLASSES = ("ground", "title", "note", "tick", "end", "mid", "grid", "axis", "limit", "limit-name",
           "line", "heavy", "dot", "name", "lead", "inferred")  # fmt: skip
SHARES = ((1, 2, 5), (1, 3), (1,))
"""Of a power of ten: round magnitudes, fewer where there are many."""
MOST_TICKS = 6
NEAR = 8.0
"""fp16's limit is drawn where something comes within this factor of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """Numbers of texts and magnitudes, both on log axes."""

    most_texts: float
    low: float
    high: float
    round: Sequence[float]  # magnitudes that get a line, the last one above all that is drawn

    def x(self, texts: float) -> float:
        """Return the x of a number of texts."""
        share = math.log(texts) / math.log(self.most_texts) if self.most_texts > 1 else 0.5
        return round(LEFT + share * (RIGHT - LEFT), 1)

    def y(self, magnitude: float) -> float:
        """Return the y of a magnitude; zero stands on the floor."""
        if magnitude <= self.low:
            return float(BOTTOM)
        share = math.log(magnitude / self.low) / math.log(self.high / self.low)
        return round(BOTTOM - min(share, 1.0) * (BOTTOM - TOP), 1)


def is_drawn(report: Report) -> bool:
    """Whether there is anything to draw."""
    found = report["stability"].get("by_text")
    return found is not None and any(_values(found))


def description(report: Report) -> str:
    """Say in words what the picture shows: its alt text."""
    found = _found(report)["all_tokens"]
    curve = found["saturation"]
    said = [
        f"{numbers.count(row['num_texts'], 'text')}: {numbers.value(row['expected'])}"
        for row in (curve[0], curve[len(curve) // 2], curve[-1])
    ]
    return f"Expected largest activation over random subsets of the texts. {'; '.join(said)}."


def svg(report: Report) -> str:
    """Return the picture as SVG text."""
    found = _found(report)
    scales = _scales(found)
    parts = [
        *frame.opening(f"How sure M of {frame.name(report)} is", description(report), SIZE),
        f"<style>{colours.style(tuple(NAMES), CLASSES)}</style>",
        *frame.heading(f"{frame.name(report)}: saturation", _facts(report), SIZE),
        *_axes(scales, found),
        *_limit(scales),
        *(part for name in NAMES for part in _curve(name, _block(found, name), scales)),
        *_labels(found, scales),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _found(report: Report) -> MaximaByText:
    found = report["stability"].get("by_text")
    assert found is not None
    return found


def _block(found: MaximaByText, name: str) -> TextMaxima:
    return found["all_tokens"] if name == "all_tokens" else found["after_first_token"]


def _blocks(found: MaximaByText) -> Mapping[str, TextMaxima]:
    return {name: _block(found, name) for name in NAMES}


def _facts(report: Report) -> str:
    texts = numbers.count(_found(report)["all_tokens"]["num_texts"], "text")
    return f"expected largest |activation| of random subsets of {texts}"


def _values(found: MaximaByText) -> Iterator[float]:
    """Every magnitude above zero that is drawn."""
    for block in _blocks(found).values():
        tail = block["tail"]
        inferred = (tail["low"], tail["high"]) if tail else ()
        curve = (row["expected"] for row in block["saturation"])
        yield from (value for value in (*curve, *inferred) if value > 0)


def _scales(found: MaximaByText) -> Scales:
    values = list(_values(found))
    blocks = _blocks(found).values()
    most = max(
        block["num_texts"] * (block["tail"]["growth"] if block["tail"] else 1) for block in blocks
    )
    largest, low = max(values), min(values) / 1.3
    if low <= FP16_LIMIT <= largest * NEAR:
        largest = max(largest, FP16_LIMIT)
    low = min(low, largest / 4)
    lines = _round(low, largest)
    high = max(largest * 1.1, lines[-1])
    return Scales(most_texts=most, low=low, high=high, round=lines)


def _round(low: float, largest: float) -> list[float]:
    """Round magnitudes from the first one above the floor to the first one above all."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(largest)) + 2)
    for shares in SHARES:
        values = [share * 10.0**exponent for exponent in exponents for share in shares]
        end = next(place for place, value in enumerate(values) if value >= largest)
        inside = [value for value in values[: end + 1] if value >= low]
        if len(inside) <= MOST_TICKS:
            break
    return inside[:: -(math.ceil(len(inside) / MOST_TICKS))][::-1]


def _axes(scales: Scales, found: MaximaByText) -> Iterator[str]:
    """Lines at round magnitudes, numbers of texts below."""
    for value in scales.round:
        y = scales.y(value)
        yield f'<path {look("grid")} d="M{LEFT} {y}H{RIGHT}"/>'
        yield f'<text {look("tick end")} x="{LEFT - 8}" y="{y + 4:g}">{numbers.value(value)}</text>'
    for texts in _ticks(found["all_tokens"]["num_texts"], scales.most_texts):
        place = f'x="{scales.x(texts)}" y="{BOTTOM + 20}"'
        yield f"<text {look('tick mid')} {place}>{numbers.count(texts)}</text>"
    yield f'<path {look("axis")} d="M{LEFT} {BOTTOM}H{RIGHT}"/>'
    middle = (LEFT + RIGHT) / 2
    yield f'<text {look("note mid")} x="{middle:g}" y="{BOTTOM + 42}">texts</text>'


def _ticks(num_texts: int, most: float) -> list[int]:
    """All texts, and a few parts of them; ten times as many where that was inferred."""
    inferred = [round(most)] if most > num_texts else []
    powers = [10**exponent for exponent in range(len(str(num_texts)))]
    apart = [texts for texts in powers if texts * 3 <= num_texts]
    return [*apart, num_texts, *inferred]


def _limit(scales: Scales) -> Iterator[str]:
    if scales.low < FP16_LIMIT < scales.high:
        yield f'<path {look("limit")} d="M{LEFT} {scales.y(FP16_LIMIT)}H{RIGHT}"/>'


def _curve(name: str, block: TextMaxima, scales: Scales) -> Iterator[str]:
    """A line with a dot at each size, and a bar for what was inferred."""
    points = [(scales.x(r["num_texts"]), scales.y(r["expected"])) for r in block["saturation"]]
    if not points:
        return
    classes = "line heavy" if name == "all_tokens" else "line"
    steps = "L".join(f"{x} {y}" for x, y in points)
    yield f'<path {look(classes, name)} d="M{steps}"/>'
    for x, y in points:
        yield f'<circle {look("dot", name)} cx="{x}" cy="{y}" r="2.2"/>'
    tail = block["tail"]
    if tail is not None:
        end = scales.x(block["num_texts"] * tail["growth"])
        low, middle, high = (scales.y(tail[key]) for key in ("low", "median", "high"))
        start = "M{} {}".format(*points[-1])
        yield f'<path {look("inferred", name)} d="{start}L{end} {middle}"/>'
        yield f'<path {look("line", name)} d="M{end} {low}V{high}m-4 0h8M{end - 4} {low}h8"/>'


def _labels(found: MaximaByText, scales: Scales) -> Iterator[str]:
    """Names at the right edge, at the height of what they name, pushed apart where they meet."""
    labels = [
        (look("name", name), said, scales.y(_end(block)))
        for name, block in _blocks(found).items()
        for said in [f"{NAMES[name]} {numbers.value(block['saturation'][-1]['expected'])}"]
        if block["saturation"]
    ]
    if scales.low < FP16_LIMIT < scales.high:
        labels.append((look("limit-name"), f"fp16 max {FP16_LIMIT:,.0f}", scales.y(FP16_LIMIT)))
    heights = _spread([height for _, _, height in labels])
    for (style, said, wanted), height in zip(labels, heights, strict=True):
        yield f'<path {look("lead")} d="M{RIGHT} {wanted}L{NAME_X - 4} {height}"/>'
        yield f'<text {style} x="{NAME_X}" y="{height + 4:.1f}">{said}</text>'
    if any(block["tail"] for block in _blocks(found).values()):
        place = f'x="{NAME_X}" y="{BOTTOM + 42}"'
        yield f"<text {look('tick')} {place}>dashed: inferred</text>"


def _spread(wanted: Sequence[float]) -> list[float]:
    return spread(list(wanted), gap=NAME_GAP, top=TOP, bottom=BOTTOM)


def _end(block: TextMaxima) -> float:
    return block["tail"]["median"] if block["tail"] else block["saturation"][-1]["expected"]
