"""What a build has read so far, kept beside the index in case it is killed.

One line for each source, with a digest of its own: a line that was cut, by a kill or a full disk,
is passed over and its source read again. The lines count only for the same version; a source that
has changed since is read again like any other. A build that comes to its end leaves no journal.
"""

import hashlib
import json
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast, get_args

from hubmaxact import __version__
from hubmaxact.catalog.manifest import MAX_INDEX_FILE_BYTES, SCHEMA
from hubmaxact.catalog.outcome import Outcome, SourceOutcome
from hubmaxact.catalog.row import EMPTY, HINTS, Row
from hubmaxact.files import WriteError, read_regular, write_bytes
from hubmaxact.temporary_files import PREFIX

JOURNAL = f"{PREFIX}journal"
DIGEST_DIGITS = 16
FIELDS = {"name", "outcome", "state", "row", "reason"}


class Journal:
    """A build's journal; its folder is locked meanwhile. Use it as a context manager."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._path = folder / JOURNAL
        self._head = _line({"built_by": __version__, "schema": SCHEMA, "kind": kind})
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._lines = self._read()
        found = map(_outcome, self._lines)
        self.found = {each.name: each for each in found if each is not None}
        """What a killed build had read, by source."""

    def __enter__(self) -> Self:
        """Nothing is written before there is something to keep."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file; it goes only when the build has come to its end."""
        with self._lock:
            if self._file:
                with suppress(OSError):  # what had no room was told when it was added
                    self._file.close()
        if kind is None:
            with suppress(OSError):  # what stays behind is what the index holds
                self._path.unlink()

    def add(self, found: SourceOutcome) -> None:
        """Keep what was read of one source; by any thread.

        Args:
            found: With the state by which a change is told.

        Raises:
            WriteError: The folder is full.
        """
        with self._lock:
            try:
                file = self._file = self._file or self._opened()
                file.write(_line(_document(found)))
                file.flush()
            except OSError as error:
                raise WriteError(
                    f"cannot write {self._path}: {error.strerror}. Free some space."
                ) from error

    def _opened(self) -> BinaryIO:
        """The file anew, without what was cut in it."""
        write_bytes(self._path, b"".join([self._head, *self._lines]))
        return self._path.open("ab")

    def _read(self) -> list[bytes]:
        try:
            content = read_regular(self._path, MAX_INDEX_FILE_BYTES)
        except OSError:
            return []
        head, *lines = content.splitlines(keepends=True) or [b""]
        return [line for line in lines if _is_whole(line)] if head == self._head else []


def _line(document: object) -> bytes:
    text = json.dumps(document).encode("ascii")
    return _digest(text) + b" " + text + b"\n"


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:DIGEST_DIGITS].encode("ascii")


def _is_whole(line: bytes) -> bool:
    digest, _, text = line.partition(b" ")
    return text.endswith(b"\n") and digest == _digest(text[:-1])


def _document(found: SourceOutcome) -> dict[str, object]:
    """An outcome as JSON; what is not known of a row is left out."""
    known = found.row and {name: value for name, value in found.row.items() if value is not None}
    return {
        "name": found.name,
        "outcome": found.outcome,
        "state": found.state,
        "row": known,
        "reason": found.reason,
    }


def _outcome(line: bytes) -> SourceOutcome | None:
    document = json.loads(line.partition(b" ")[2])
    if document.keys() != FIELDS or document["outcome"] not in get_args(Outcome):
        return None
    row = document.pop("row")
    if row is not None and not row.keys() <= HINTS.keys():
        return None
    full = row and cast("Row", EMPTY | row)
    return SourceOutcome(**document, row=full, unchanged=True)
