"""An audit as JSON: its own fields, in order; numbers are finite, or null."""

import json
from dataclasses import asdict

from hubmaxact.shipped_scales.audit import Audit


def render(found: Audit) -> str:
    """Return an audit's document.

    Args:
        found: The audit.

    Returns:
        ASCII, a newline at the end.
    """
    return json.dumps(asdict(found), indent=1, allow_nan=False) + "\n"
