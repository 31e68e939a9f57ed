"""Documents as the bytes that both hosts send: ASCII, compact, equal for equal documents."""

import json
from typing import Any


def encoded(document: dict[str, Any]) -> bytes:
    """Return a document as JSON; non-finite numbers are a bug and raise ValueError."""
    text = json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return f"{text}\n".encode("ascii")
