"""An index in a folder of this machine, as `hubmaxact catalog build` writes it."""

from datetime import UTC, datetime
from pathlib import Path

from index_copies import BrokenIndexError, IndexCopy, said, whole_index

from hubmaxact.catalog.store import MANIFEST


class FolderSource:
    """A catalog's folder; it is its own memory, so nothing is kept beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def kept(self) -> IndexCopy | None:
        """Return None: no copy is nearer than the folder."""
        return None

    def newest(self, known: IndexCopy | None) -> IndexCopy | None:
        """Return the index, as old as its manifest; None if `known` is it.

        Raises:
            BrokenIndexError: there is no whole index that this version can read.
        """
        index = whole_index(self._folder)
        try:
            seconds = (self._folder / MANIFEST).stat().st_mtime
        except OSError as error:
            raise BrokenIndexError(f"cannot read {MANIFEST}: {error.strerror}.") from error
        copy = IndexCopy(index, "folder", said(datetime.fromtimestamp(seconds, UTC)))
        if known and (known.index.manifest, known.built) == (index.manifest, copy.built):
            return None
        return copy

    def keep(self, copy: IndexCopy) -> None:
        """Do nothing; see `kept`."""
