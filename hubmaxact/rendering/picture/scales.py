"""Scales of the per-layer picture: a log axis for magnitudes, an even one for layers.

All results are rounded to a tenth of a pixel, so that every platform draws the same bytes.
"""

import math
from dataclasses import dataclass

STEPS = (1, 2, 4, 5, 8, 10, 20, 25, 50, 100, 500)
MOST_TICKS = 12
MOST_DECADES = 8
"""A picture with more would show nothing; what lies below stands on the floor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogScale:
    """Magnitudes on a vertical log axis; zero and what is too small stand on the floor."""

    low: int  # exponent of ten at the bottom
    high: float  # exponent of ten at the top
    top: float  # pixels
    bottom: float  # pixels

    def at(self, magnitude: float) -> float:
        """Return the y of a magnitude."""
        if magnitude <= 0:
            return self.bottom
        share = (math.log10(magnitude) - self.low) / (self.high - self.low)
        return round(self.bottom - max(share, 0.0) * (self.bottom - self.top), 1)

    def decades(self) -> list[int]:
        """Exponents of ten that get a line, every second one when there are many."""
        exponents = range(self.low, math.floor(self.high) + 1)
        return list(exponents)[:: 2 if len(exponents) > MOST_DECADES else 1]


def log_scale(magnitudes: list[float], *, reach: float, top: float, bottom: float) -> LogScale:
    """Return a scale that holds the magnitudes and `reach`, with room for a label above."""
    positive = [magnitude for magnitude in magnitudes if magnitude > 0]
    largest = max([*positive, reach])
    smallest = min(positive, default=1.0)
    low = math.floor(math.log10(smallest))
    low = max(low, math.ceil(math.log10(largest)) - MOST_DECADES)
    return LogScale(low=low, high=math.log10(largest) + 0.55, top=top, bottom=bottom)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerScale:
    """Layers on an even axis, a slot for the embedding before them, one for the norm after."""

    num_layers: int
    left: float  # pixels
    right: float  # pixels

    def at(self, position: float) -> float:
        """Return the x of a layer; what lies before or after all layers gets an end slot."""
        # The end slots stand apart, so that they are not read as layers.
        gap = max(1.0, self.num_layers / 24)
        reached = min(max(position, -gap), self.num_layers - 1 + gap)
        share = (reached + gap) / (self.num_layers - 1 + 2 * gap)
        return round(self.left + share * (self.right - self.left), 1)

    def ticks(self) -> list[int]:
        """Layers that get a number: round steps, at most a dozen."""
        step = next(step for step in STEPS if self.num_layers / step <= MOST_TICKS)
        return list(range(0, self.num_layers, step))


def spread(wanted: list[float], *, gap: float, top: float, bottom: float) -> list[float]:
    """Move label heights apart by at least `gap`, in their order, between top and bottom."""
    order = sorted(range(len(wanted)), key=lambda index: (wanted[index], index))
    placed = [0.0] * len(wanted)
    previous = top - gap
    for index in order:
        previous = placed[index] = max(wanted[index], previous + gap)
    ceiling = bottom + gap
    for index in reversed(order):
        ceiling = placed[index] = min(placed[index], ceiling - gap)
    return [round(height, 1) for height in placed]
