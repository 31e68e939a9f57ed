"""A local folder as a listing: all of its own files, and inner folders as far as that is quick."""

import difflib
import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from hubmaxact.errors import NoCheckpointError, UnsafeCheckpointError
from hubmaxact.files import MOST_POINTER_BYTES, is_lfs_pointer, open_regular, read_regular
from hubmaxact.printable import LONGEST_PATH, printable, without_secret
from hubmaxact.recognition.listing import COMMITTED_POINTERS, MOST_JSON_BYTES, Listing, quoted

DEEPEST = 4
"""Levels of sub-folders that are looked into; a Hub cache keeps its checkpoints at the second."""

MOST_ENTRIES = 20_000

LFS_ADVICE = (
    "Run `git lfs pull` there, or fetch the repository with `hf download`; a workflow checks out "
    "with `lfs: true`."
)


class Folder(Listing):
    """A folder of this machine, whoever filled it.

    Args:
        folder: The folder; its own files are listed at once.
        name: Of the repository whose files these are. None: a folder with its own name.

    Raises:
        NoCheckpointError: It may not be read.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        self.folder = folder
        # "." has no name of its own
        self.name = name or printable(folder.name or folder.resolve().name or str(folder))
        self.lfs_advice = COMMITTED_POINTERS if name else LFS_ADVICE
        self.nothing_advice = "Give the folder of a transformers checkpoint."
        try:
            self.root = frozenset(_files(folder))
        except OSError as error:
            shown = printable(str(folder), LONGEST_PATH)
            raise NoCheckpointError(f"cannot read the folder {shown}: {error.strerror}.") from error

    @cached_property
    def deeper(self) -> frozenset[str]:
        """Paths of files in sub-folders, hidden ones left out."""
        found: set[str] = set()
        level = [self.folder]
        for _ in range(DEEPEST):
            level = [inner for folder in level for inner in _folders(folder)]
            for folder in level:
                if len(found) > MOST_ENTRIES:
                    return frozenset(found)
                start = folder.relative_to(self.folder).as_posix()
                found.update(f"{start}/{name}" for name in _files_or_none(folder))
        return frozenset(found)

    def read(self, path: str) -> bytes:
        """Return a whole file of the folder.

        Args:
            path: One of the listing's.

        Returns:
            Its content.

        Raises:
            UnsafeCheckpointError: It is larger than MOST_JSON_BYTES, or cannot be read.
        """
        try:
            content = read_regular(self.folder / path, MOST_JSON_BYTES + 1)
        except OSError as error:
            raise self._unreadable(path, error) from error
        if len(content) > MOST_JSON_BYTES:
            raise UnsafeCheckpointError(
                f"{printable(path)} is larger than {MOST_JSON_BYTES:,} bytes."
            )
        return content

    def size(self, path: str) -> int:
        """Return how many bytes a file has.

        Args:
            path: One of the listing's.

        Returns:
            Bytes.

        Raises:
            UnsafeCheckpointError: It cannot be read.
        """
        try:
            return (self.folder / path).stat().st_size
        except OSError as error:
            raise self._unreadable(path, error) from error

    def part(self, path: str, begin: int, num_bytes: int) -> bytes:
        """Return some bytes of a file, whatever its size.

        Args:
            path: One of the listing's.
            begin: The first of them, from 0.
            num_bytes: How many.

        Returns:
            As many, or those up to its end.

        Raises:
            UnsafeCheckpointError: It cannot be read.
        """
        try:
            with open_regular(self.folder / path) as file:
                file.seek(begin)
                return file.read(num_bytes)
        except OSError as error:
            raise self._unreadable(path, error) from error

    def pointers(self, paths: Iterable[str]) -> list[str]:
        """Return those of `paths` that hold a Git LFS pointer."""
        return [path for path in paths if self._is_pointer(self.folder / path)]

    def inner_advice(self, folder: str) -> str:
        """Return the command that measures a folder inside this one."""
        inside = self.folder / folder
        return f"Measure that: `hubmaxact measure {quoted(str(inside))}`."

    def _unreadable(self, path: str, error: OSError) -> UnsafeCheckpointError:
        return UnsafeCheckpointError(
            f"cannot read {printable(path)} of {self.name}: {error.strerror}."
        )

    @staticmethod
    def _is_pointer(path: Path) -> bool:
        try:
            return is_lfs_pointer(read_regular(path, MOST_POINTER_BYTES + 1))
        except OSError:  # whoever needs the file says why it cannot be read
            return False


def not_here(name: str) -> str:
    """Return the sentence that no folder of a name is here, with the one that may be meant.

    Args:
        name: What the user named.

    Returns:
        One line for people.
    """
    path = Path(name).expanduser()
    siblings = [each.name for each in _folders(path.parent)]
    close = difflib.get_close_matches(path.name, siblings, n=1)
    meant = f"; {printable(str(Path(name).parent / close[0]), LONGEST_PATH)} is" if close else ""
    return f"No folder {printable(without_secret(name), LONGEST_PATH)} is here{meant}."


def _files(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        yield from (entry.name for entry in entries if entry.is_file())


def _files_or_none(folder: Path) -> Iterator[str]:
    try:
        yield from _files(folder)
    except OSError:
        return


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            inner = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
    except (OSError, ValueError):  # ValueError: a NUL
        return []
    return [folder / name for name in sorted(inner) if not name.startswith(".")]
