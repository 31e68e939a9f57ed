"""JSON that is read line by line as well as by programs: what is short stands on one line."""

import json
from typing import cast

WIDTH = 100
STEP = 2


def layout(value: object, indent: int = 0) -> str:
    """Lay out a JSON value: one line if it fits, else one for each field or element.

    Args:
        value: Of finite numbers.
        indent: Columns that stand before it.

    Returns:
        ASCII, the first line not indented.
    """
    line = _line(value)
    if not isinstance(value, dict | list) or not value or indent + len(line) <= WIDTH:
        return line
    inner = indent + STEP
    if isinstance(value, list):
        rows = [_line(item) for item in value]
    else:
        fields = cast("dict[str, object]", value)
        rows = [f"{_line(key)}: {layout(item, inner)}" for key, item in fields.items()]
    left, right = "[]" if isinstance(value, list) else "{}"
    body = ",\n".join(" " * inner + row for row in rows)
    return f"{left}\n{body}\n{' ' * indent}{right}"


def _line(value: object) -> str:
    return json.dumps(value, allow_nan=False)
