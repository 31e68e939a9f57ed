"""What stands beside the index: what it was built from, its digest, and what was left out and why.

It holds no clock, so equal inputs give equal bytes: the age of a local index is that of the file,
the age of one on the Hub that of its commit.
"""

import json
from typing import Any, Literal, TypedDict, cast

from hubmaxact.errors import HubmaxactError

SCHEMA = 1
"""Grows when a column or a field of the manifest changes its meaning."""

LISTS = ("quarantine", "newer", "kept", "unread")
"""Fields that name reports, each with a reason."""

MAX_INDEX_FILE_BYTES = 512 * 1024 * 1024


class ManifestError(HubmaxactError):
    """Raised when a manifest is damaged, or newer than this version."""


class NewerManifestError(ManifestError):
    """Raised when a manifest was written by a newer hubmaxact than this one."""


class BuiltFrom(TypedDict):
    """Where reports were looked for."""

    kind: Literal["folder", "hub"]
    tag: str | None  # the Hub's tag; null for a folder


class IndexFile(TypedDict):
    """The table that this manifest speaks of."""

    file: str
    sha256: str
    size: int
    rows: int


class Counts(TypedDict):
    """How many there are of each."""

    measured: int
    reported_by_the_paper: int
    trust: dict[str, int]  # of the measured ones
    quarantined: int
    newer: int
    kept: int
    unread: int


class Left(TypedDict):
    """One report that is not in the table, or stands there from an earlier build, and why."""

    name: str
    reason: str


class State(TypedDict, total=False):
    """What was seen of one source, so that the next build can tell whether it changed."""

    sha256: str  # of the report's bytes
    commit: str  # of the repository
    files: str  # digest over the report's blob and the weight files
    trust: str  # before rows were held against each other
    trust_detail: str | None
    copied_from: str | None


class Manifest(TypedDict):
    """The whole document, in the order it is written."""

    schema: int
    built_by: str  # version of hubmaxact; another one reads every report again
    built_from: BuiltFrom
    index: IndexFile
    counts: Counts
    quarantine: list[Left]
    newer: list[Left]  # than this index
    kept: list[Left]  # from an earlier build: the Hub gave no answer this time
    unread: list[Left]  # likewise, and no earlier build has read them
    over_cap: dict[str, int]  # namespace to repositories beyond its share
    sources: dict[str, State]


def encode(manifest: Manifest) -> bytes:
    """Return the file's content: a line for each entry, so that changes read well."""
    head = {key: value for key, value in manifest.items() if key != "sources"}
    text = json.dumps(head, indent=1)
    rows = [
        f"  {json.dumps(name)}: {json.dumps(state)}"
        for name, state in sorted(manifest["sources"].items())
    ]
    sources = "{\n" + ",\n".join(rows) + "\n }" if rows else "{}"
    return f'{text[:-2]},\n "sources": {sources}\n}}\n'.encode("ascii")


def decode(content: bytes) -> Manifest:
    """Return the manifest in these bytes.

    Args:
        content: Of manifest.json, whoever wrote it.

    Returns:
        The manifest, with every field in its shape.

    Raises:
        ManifestError: They are not one, or one of a newer version.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ManifestError("manifest.json is not JSON; build the catalog again.") from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise NewerManifestError(
            f"manifest.json has schema {schema}; this version knows {SCHEMA}. Upgrade hubmaxact."
        )
    if isinstance(document, dict):
        document.setdefault("unread", [])  # manifests were without it once
    if schema != SCHEMA or not _has_shape(document):
        raise ManifestError("manifest.json is not a catalog's manifest; build the catalog again.")
    return cast("Manifest", document)


def _has_shape(document: dict[str, Any]) -> bool:
    """Whether every field has its kind; the index's digest guards what it says of the table."""
    kinds = {
        "built_by": str,
        **dict.fromkeys(("built_from", "index", "counts", "over_cap", "sources"), dict),
        **dict.fromkeys(LISTS, list),
    }
    if not all(isinstance(document.get(name), kind) for name, kind in kinds.items()):
        return False
    states = document["sources"].values()
    lists = [left for name in LISTS for left in document[name]]
    return (
        all(isinstance(state, dict) and _are_texts(state) for state in states)
        and all(isinstance(left, dict) and left.keys() == {"name", "reason"} for left in lists)
        and all(map(_are_texts, lists))
        and {"sha256", "rows"} <= document["index"].keys()
    )


def _are_texts(fields: dict[str, Any]) -> bool:
    return all(value is None or isinstance(value, str) for value in fields.values())
