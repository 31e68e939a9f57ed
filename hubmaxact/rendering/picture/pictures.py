"""Every picture of a report: the file it lies in, what it shows in words, and the drawing."""

from collections.abc import Callable
from typing import NamedTuple

from hubmaxact.rendering.picture import cache, errors, layers, saturation
from hubmaxact.report.document import Report

FOLDER = "activation_maxima"
"""Beside the report."""


class Picture(NamedTuple):
    """One picture, and when there is one."""

    file: str
    is_drawn: Callable[[Report], bool]
    description: Callable[[Report], str]
    svg: Callable[[Report], str]

    @property
    def path(self) -> str:
        """Where it lies, from the report's folder."""
        return f"{FOLDER}/{self.file}"


LAYERS = Picture("layers.svg", lambda _: True, layers.description, layers.layers_svg)
ERRORS = Picture("errors.svg", errors.is_drawn, errors.description, errors.svg)
CACHE = Picture("cache.svg", cache.is_drawn, cache.description, cache.svg)
SATURATION = Picture("saturation.svg", saturation.is_drawn, saturation.description, saturation.svg)

PICTURES = (LAYERS, ERRORS, CACHE, SATURATION)
"""In the order in which a card shows them."""


def pictures(report: Report) -> tuple[Picture, ...]:
    """Choose the pictures that a report has something to draw for.

    Args:
        report: Of any profile and version.

    Returns:
        The picture by layer first.
    """
    return tuple(picture for picture in PICTURES if picture.is_drawn(report))
