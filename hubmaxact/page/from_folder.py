"""What a page shows of a catalog's folder on this machine."""

from datetime import UTC, datetime
from pathlib import Path

from hubmaxact.catalog.store import MANIFEST, read_index
from hubmaxact.page.page_data import PageData

ORIGIN = "folder"


def page_data_of(folder: Path) -> PageData:
    """Return what a page shows of the index in a folder.

    Args:
        folder: Where `hubmaxact catalog build` wrote it.

    Returns:
        The page's data, with the folder as its origin.

    Raises:
        NoIndexError: There is none.
        ManifestError: Its manifest cannot be read, or says otherwise.
        DamagedTableError: Its table cannot be relied on.
    """
    return PageData.of(read_index(folder), origin=ORIGIN, built=built(folder))


def built(folder: Path) -> str | None:
    """When a folder's index was made: its manifest holds no clock, so the file's own."""
    try:
        seconds = int((folder / MANIFEST).stat().st_mtime)
    except OSError:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
