"""The catalog's folder: index and manifest replaced together, read only when they belong together.

Two files cannot be renamed at once, so the old table stays beside the new one until the manifest
names the new one. Whoever reads, and whatever kills a build, there is always one whole pair.
"""

import hashlib
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from hubmaxact.catalog import manifest as manifests
from hubmaxact.catalog.manifest import Manifest, NewerManifestError
from hubmaxact.catalog.parquet import Table, decode
from hubmaxact.errors import HubmaxactError
from hubmaxact.files import read_regular, write_bytes
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.temporary_files import PREFIX, sweep

INDEX = "index.parquet"
PREVIOUS = "index.previous.parquet"
MANIFEST = "manifest.json"
LOCK = f"{PREFIX}lock"
"""Locked by the system while a build is at work, so that a killed one holds nothing."""

READ_TRIES = 5
READ_PAUSE = 0.2  # seconds


class NoIndexError(HubmaxactError):
    """Raised when a folder holds no whole index."""


class ForeignCatalogError(HubmaxactError):
    """Raised when a folder holds files under the catalog's names that no build made."""


class BusyFolderError(HubmaxactError):
    """Raised when another build is writing into the folder."""


@dataclass(frozen=True, slots=True)
class Index:
    """A table and the manifest that vouches for it."""

    manifest: Manifest
    content: bytes  # the Parquet file

    def table(self) -> Table:
        """Decode the table."""
        return decode(self.content)


def read_index(folder: Path) -> Index:
    """Return the index in a folder; waits a moment for a build that is just replacing it.

    Args:
        folder: The catalog's folder.

    Returns:
        The table that the manifest names, byte for byte, and the manifest.

    Raises:
        NoIndexError: There is none, or the table is not the one that the manifest names.
        ManifestError: The manifest is damaged, or newer than this version.
    """
    for _ in range(READ_TRIES):
        manifest = manifests.decode(_read(folder / MANIFEST))
        for name in (INDEX, PREVIOUS):
            with suppress(NoIndexError):
                content = _read(folder / name)
                if hashlib.sha256(content).hexdigest() == manifest["index"]["sha256"]:
                    return Index(manifest, content)
        time.sleep(READ_PAUSE)
    raise NoIndexError(
        f"{folder / INDEX} is not the table that {MANIFEST} names; build the catalog again."
    )


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder whose files under the catalog's names are somebody else's.

    One of them that is a catalog's vouches for the others: a damaged one is made anew.

    Args:
        folder: Where a catalog is to lie.

    Raises:
        ForeignCatalogError: No build made what is there.
        NewerManifestError: A newer version did: this one knows less of it than would be lost.
    """
    _refuse_newer(folder / MANIFEST)
    there = [name for name in (MANIFEST, INDEX, PREVIOUS) if os.path.lexists(folder / name)]
    if there and not any(_is_ours(folder / name) for name in there):
        raise ForeignCatalogError(
            f"{_shown(folder)} holds {' and '.join(there)}, which no catalog build made. "
            "Move it away, or choose another folder."
        )


def replace_index(folder: Path, content: bytes, manifest: Manifest) -> None:
    """Put a new index in the place of the old one, all or nothing.

    Args:
        folder: The catalog's folder, `locked` meanwhile.
        content: The new Parquet file.
        manifest: Names that file by its SHA-256.

    Raises:
        WriteError: The folder cannot be written; the old index is intact.
    """
    with suppress(NoIndexError):  # what cannot be read is not worth keeping
        # Not overwritten: what an interrupted build left may be the one that the manifest names.
        if _named(folder) != PREVIOUS:
            write_bytes(folder / PREVIOUS, _read(folder / INDEX))
    write_bytes(folder / INDEX, content)
    write_bytes(folder / MANIFEST, manifests.encode(manifest))
    (folder / PREVIOUS).unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other builds out of a folder, which is made if need be; a killed build holds nothing.

    Args:
        folder: The catalog's folder.

    Raises:
        BusyFolderError: Another build is at work there, or it cannot be a folder.
    """
    # No fallback: a file that only stands for a lock would outlast the build that made it.
    lock = FileLock(folder / LOCK, blocking=False, fallback_to_soft=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise BusyFolderError(f"another build is writing into {folder}; let it finish.") from error
    except OSError as error:
        reason = "it is no folder" if isinstance(error, FileExistsError) else error.strerror
        raise BusyFolderError(
            f"cannot use {_shown(folder)} as output: {reason}. Choose another folder."
        ) from error
    try:
        sweep(folder)
        yield
    finally:
        _release(lock)


def _release(lock: BaseFileLock) -> None:
    """Let others in, and leave no file behind for them to wonder at."""
    # While it is held: who waits for the lock of a file that is gone takes a new one. Windows keeps
    # an open file, and there the release removes it.
    with suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()


def _refuse_newer(manifest: Path) -> None:
    try:
        manifests.decode(_read(manifest))
    except NewerManifestError:
        raise
    except HubmaxactError:
        return  # others look at what is none, or damaged


def _is_ours(path: Path) -> bool:
    """Whether a file is a manifest or a table."""
    try:
        content = _read(path)
        if path.name == MANIFEST:
            manifests.decode(content)
        else:
            decode(content)
    except HubmaxactError:
        return False
    return True


def _named(folder: Path) -> str | None:
    """Which of the two tables the manifest names."""
    try:
        wanted = manifests.decode(_read(folder / MANIFEST))["index"]["sha256"]
    except HubmaxactError:
        return None
    for name in (INDEX, PREVIOUS):
        with suppress(NoIndexError):
            if hashlib.sha256(_read(folder / name)).hexdigest() == wanted:
                return name
    return None


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, manifests.MAX_INDEX_FILE_BYTES)
    except OSError as error:
        folder = shlex.quote(_shown(path.parent))
        raise NoIndexError(
            f"cannot read {_shown(path)}: {error.strerror}. Name the folder of a catalog, or build "
            f"it first: hubmaxact catalog build REPORTS --output {folder}"
        ) from error


def _shown(path: Path) -> str:
    return printable(str(path), LONGEST_PATH)
