"""A document as JSON for people and programs: equal documents give equal bytes."""

import json
from collections.abc import Mapping


def text_of(document: Mapping[str, object]) -> bytes:
    """Return the document's bytes, in its own order, a newline at the end.

    Args:
        document: Of finite numbers.

    Returns:
        ASCII, indented by two.
    """
    return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode("ascii")
