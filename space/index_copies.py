"""One whole copy of an index, and what a place must offer to have one kept fresh from it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from hubmaxact.catalog.store import Index, read_index
from hubmaxact.errors import HubmaxactError


class BrokenIndexError(HubmaxactError):
    """Raised when there is no index, or not a whole one; says so without naming its folder."""


@dataclass(frozen=True, slots=True)
class IndexCopy:
    """An index as it was found, where, and when it was made (ISO 8601, UTC)."""

    index: Index
    origin: str
    built: str


class Source(Protocol):
    """A place that an index comes from."""

    def kept(self) -> IndexCopy | None:
        """Return the last good copy of an earlier run, without asking anybody."""

    def newest(self, known: IndexCopy | None) -> IndexCopy | None:
        """Return the index as it is now; None if `known` is it.

        Raises:
            HubmaxactError: there is none, it is not whole, or nobody answers.
        """

    def keep(self, copy: IndexCopy) -> None:
        """Remember a copy that proved good, for the next start."""


def whole_index(folder: Path) -> Index:
    """Return the index in a folder.

    Raises:
        BrokenIndexError: there is no whole index that this version can read.
    """
    try:
        return read_index(folder)
    except HubmaxactError as error:
        raise BrokenIndexError(str(error).replace(f"{folder}/", "")) from error


def said(time: datetime) -> str:
    """Write a time as the page shows it: ISO 8601, UTC, to the second."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
