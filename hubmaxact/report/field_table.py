"""The field table of schema/README.md, from the schema.

`python -m hubmaxact.report.field_table` prints it; with a file name it is put between that file's
markers.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hubmaxact.files import between_markers
from hubmaxact.report.validate import schema

BEGIN = (
    "<!-- fields: begin, written by `python -m hubmaxact.report.field_table schema/README.md` -->"
)
END = "<!-- fields: end -->"

Row = tuple[str, str, str]
"""Path, type, meaning."""


def table() -> str:
    """Return the table: one row for each field, in document order."""
    rows = ["| field | type | meaning |", "| --- | --- | --- |"]
    for path, kind, text in fields(schema(), "", {}):
        meaning = text.replace("|", "\\|")
        rows.append(f"| `{path}` | {kind} | {meaning} |")
    return "\n".join(rows)


def fields(node: dict[str, Any], path: str, listed: dict[str, str]) -> Iterator[Row]:
    """Yield path, type and description of every field below a schema node.

    `listed` holds where each definition with fields of its own was listed: once is enough.
    """
    for name, reference in node.get("properties", {}).items():
        here = f"{path}.{name}".lstrip(".") if name.isidentifier() else f'{path}["{name}"]'
        yield from _field(reference, here, listed)
    if "items" in node:
        yield from fields(_resolved(node["items"]), f"{path}[]", listed)
    if isinstance(node.get("additionalProperties"), dict):
        yield from _field(node["additionalProperties"], f"{path}[domain]", listed)


def _field(reference: dict[str, Any], path: str, listed: dict[str, str]) -> Iterator[Row]:
    node = _resolved(reference)
    text = node["description"]
    first = listed.setdefault(reference.get("$ref", path), path)
    if first != path and "properties" in node:
        yield path, _kind(node), f"{text} Fields as in `{first}`."
        return
    yield path, _kind(node), text
    yield from fields(node, path, listed)


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    definitions: dict[str, dict[str, Any]] = schema()["$defs"]
    return definitions[node["$ref"].removeprefix("#/$defs/")] | node


def _kind(node: dict[str, Any]) -> str:
    """A type in a word or two; the allowed words where they are few."""
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node and node.get("title") != "a role":
        return ", ".join("null" if value is None else f"`{value}`" for value in node["enum"])
    if "enum" in node:
        return "role"
    kinds = [node["type"]] if isinstance(node["type"], str) else node["type"]
    if "items" in node:
        return " or ".join([f"array of {_kind(_resolved(node['items']))}", *kinds[1:]])
    return " or ".join(kinds)


def splice(document: str) -> str:
    """Put the table between the markers of a document."""
    return between_markers(document, BEGIN, END, table())


if __name__ == "__main__":
    if sys.argv[1:]:
        target = Path(sys.argv[1])
        target.write_text(splice(target.read_text("utf-8")), "utf-8", newline="\n")
    else:
        sys.stdout.write(table() + "\n")
