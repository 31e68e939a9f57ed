"""What an export made, by path and digest, so that the next one can tell it from other files.

Lies in the export itself, where anybody may have written it: its paths are only ever compared with
those of files that are there, and never followed.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from hubmaxact.page.json_bytes import encoded
from hubmaxact.temporary_files import PREFIX

EXPORT_MANIFEST = "data/export.json"
MADE_BY = "hubmaxact catalog export"
MAX_EXPORT_MANIFEST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ExportManifest:
    """The files of an export and, until it is whole, those that it is about to replace."""

    files: Mapping[str, str] = field(default_factory=dict)
    replacing: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read a folder's manifest; an empty one when there is none that makes sense."""
        try:
            with (directory / EXPORT_MANIFEST).open("rb") as file:
                document: Any = json.loads(file.read(MAX_EXPORT_MANIFEST_BYTES))
        except (OSError, ValueError, RecursionError):
            return cls()
        if not isinstance(document, dict) or document.get("made_by") != MADE_BY:
            return cls()
        return cls(_digests(document.get("files")), _digests(document.get("replacing")))

    def encoded(self) -> bytes:
        """The manifest's own bytes."""
        document: dict[str, Any] = {"made_by": MADE_BY, "files": dict(sorted(self.files.items()))}
        if self.replacing:
            document["replacing"] = dict(sorted(self.replacing.items()))
        return encoded(document)

    def made(self, directory: Path, path: str) -> bool:
        """Whether the file that lies at a path is as an export made it."""
        if path == EXPORT_MANIFEST:
            return bool(self.files)
        known = {self.files.get(path), self.replacing.get(path)} - {None}
        return bool(known) and digest_at(directory / path) in known


def digest(content: bytes) -> str:
    """The digest under which a manifest knows a file."""
    return hashlib.sha256(content).hexdigest()


def digest_at(path: Path) -> str | None:
    """The digest of a file; None for links and whatever else is no plain file."""
    return None if path.is_symlink() or not path.is_file() else digest(path.read_bytes())


def files_in(directory: Path) -> Iterator[str]:
    """Every file and link below a folder, by relative path, but for what is still being written."""
    for parent, folders, names in os.walk(directory):
        here = Path(parent)
        folders[:] = [name for name in folders if not name.startswith(PREFIX)]
        links = [name for name in folders if (here / name).is_symlink()]
        for name in [*names, *links]:
            if not name.startswith(PREFIX):
                yield (here / name).relative_to(directory).as_posix()


def _digests(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {path: text for path, text in value.items() if isinstance(text, str)}
