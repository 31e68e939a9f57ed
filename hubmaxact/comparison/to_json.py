"""A comparison as JSON: the fields of `Comparison`, in order, one space deep, ASCII."""

import json
from dataclasses import asdict

from hubmaxact.comparison.comparison import Comparison


def render(comparison: Comparison) -> str:
    """Return the document with a newline at its end; numbers are finite, or null."""
    return json.dumps(asdict(comparison), indent=1, allow_nan=False) + "\n"
