"""The facets that releases are filtered by, as a table, and the values that a row has in each.

A facet's value is part of the page's address: short, lower-case, stable. What is not known has the
value "unknown", and can be asked for like any other.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypedDict

from hubmaxact.catalog.row import MEASURED, PAPER, Row
from hubmaxact.page.columns import weights
from hubmaxact.page.protocol_label import protocol_label
from hubmaxact.page.safe_text import shown, value_of
from hubmaxact.rendering.fit.levels import LEVELS, of_loss
from hubmaxact.report.row_fields import field

UNKNOWN = "unknown"
MOST_CHOICES = 200
"""Choices of one facet that the page lists; rarer ones are counted, and found by searching."""

SIZES = (
    (1e9, "under-1b", "under 1B"),
    (4e9, "1b-4b", "1B to 4B"),
    (13e9, "4b-13b", "4B to 13B"),
    (40e9, "13b-40b", "13B to 40B"),
    (130e9, "40b-130b", "40B to 130B"),
    (float("inf"), "130b-up", "130B and more"),
)
"""Upper bound in parameters, value and label; a bound belongs to the larger bucket."""

FORMATS = (("float16", "fp16"), ("float8_e5m2", "FP8 E5M2"), ("float8_e4m3fn", "FP8 E4M3"))
"""Formats that a release is asked about, the widest range first, with their names for people."""

Named = tuple[str, str]
"""A value and its label."""


class Choice(TypedDict):
    """One value of a facet."""

    value: str
    label: str
    count: int


class Facet(NamedTuple):
    """One facet. `order` lists its values where they have an order of their own."""

    name: str
    label: str
    values: Callable[[Row], Sequence[Named]]
    order: tuple[str, ...] = ()


def size(row: Row) -> Sequence[Named]:
    """The bucket of a row's number of parameters."""
    number = row["size"]
    if number is None:
        return ()
    return next(((value, label),) for bound, value, label in SIZES if number < bound)


def formats(row: Row) -> Sequence[Named]:
    """What is known of the row in each low-precision format, unscaled."""
    said = []
    for name, label in FORMATS:
        exceeds = field(row, f"exceeds_{name}")
        if exceeds is not None:
            said.append(_standing(name, label, exceeds))
    return said


def _standing(name: str, label: str, exceeds: bool) -> Named:
    if exceeds:
        return f"beyond-{name}", f"{label}: exceeded"
    return f"within-{name}", f"{label}: not exceeded"


def loss(row: Row) -> Sequence[Named]:
    """How large the worst change of loss is, by the card's own bounds."""
    change = row["loss_worst_high"]
    if change is None:
        return ()
    word = of_loss(change).word
    return ((word, f"{word} loss"),)


def protocol(row: Row) -> Sequence[Named]:
    """How the row was measured; rows with one value are comparable."""
    return ((value_of(row["protocol_key"]), protocol_label(row)),)


def _of(name: str) -> Callable[[Row], Sequence[Named]]:
    def values(row: Row) -> Sequence[Named]:
        return _named(field(row, name))

    return values


def _named(text: str | None) -> Sequence[Named]:
    return () if text is None else ((value_of(text), shown(text)),)


FACETS = (
    Facet("family", "Family", _of("family")),
    Facet("architecture", "Type", _of("architecture")),
    Facet("stage", "Stage", _of("stage")),
    Facet("size", "Parameters", size, tuple(value for _, value, _ in SIZES)),
    Facet(
        "format",
        "Low precision, unscaled",
        formats,
        tuple(f"{side}-{name}" for name, _ in FORMATS for side in ("beyond", "within")),
    ),
    Facet("loss", "Loss", loss, tuple(level.word for level in LEVELS)),
    Facet("weights", "Weights", lambda row: _named(weights(row))),
    Facet("source", "Source", _of("source"), (MEASURED, PAPER)),
    Facet("trust", "Trust", _of("trust"), ("current", "stale", "copied", "unverified")),
    Facet("protocol", "Protocol", protocol),
)


def values(facet: Facet, row: Row) -> list[str]:
    """A row's values in one facet, never none."""
    return [value for value, _ in facet.values(row)] or [UNKNOWN]


def choices(facet: Facet, rows: Iterable[Row]) -> list[Choice]:
    """Every value that some row has, in the facet's order, else by label; the unknown last."""
    counts: Counter[str] = Counter()
    spelled: dict[str, Counter[str]] = {}
    for row in rows:
        for value, label in facet.values(row) or ((UNKNOWN, UNKNOWN),):
            counts[value] += 1
            spelled.setdefault(value, Counter())[label] += 1
    labels = {value: _commonest(labels) for value, labels in spelled.items()}
    shared = Counter(labels.values())
    found = [
        Choice(value=value, label=_told_apart(labels[value], value, shared), count=count)
        for value, count in counts.items()
    ]
    return sorted(found, key=lambda choice: _rank(facet, choice))


def _commonest(labels: Counter[str]) -> str:
    return min(labels, key=lambda label: (-labels[label], label))


def _told_apart(label: str, value: str, shared: Counter[str]) -> str:
    """The label; with the value where another value has the same one."""
    return label if shared[label] == 1 else f"{label} ({value})"


def _rank(facet: Facet, choice: Choice) -> tuple[bool, int, str]:
    value = choice["value"]
    place = facet.order.index(value) if value in facet.order else len(facet.order)
    return value == UNKNOWN, place, choice["label"].lower()
