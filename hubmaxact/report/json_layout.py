"""JSON that is read line by line as well as by programs: what is short stands on one line."""

import json
from typing import cast

WIDTH = 100
STEP = 2
SPACED, TIGHT = (", ", ": "), (",", ":")


def layout(value: object, indent: int = 0, *, is_tight: bool = False) -> str:
    """Lay out a JSON value: one line if it fits, else one for each field or element.

    Args:
        value: Of finite numbers.
        indent: Columns that stand before it.
        is_tight: Whether to leave out the spaces within a line.

    Returns:
        ASCII, the first line not indented.
    """
    line = _line(value, is_tight=is_tight)
    if not isinstance(value, dict | list) or not value or indent + len(line) <= WIDTH:
        return line
    inner = indent + STEP
    if isinstance(value, list):
        rows = [_line(item, is_tight=is_tight) for item in value]
    else:
        fields = cast("dict[str, object]", value)
        rows = [
            f"{_line(key)}: {layout(item, inner, is_tight=is_tight)}"
            for key, item in fields.items()
        ]
    left, right = "[]" if isinstance(value, list) else "{}"
    body = ",\n".join(" " * inner + row for row in rows)
    return f"{left}\n{body}\n{' ' * indent}{right}"


def _line(value: object, *, is_tight: bool = False) -> str:
    return json.dumps(value, allow_nan=False, separators=TIGHT if is_tight else SPACED)
