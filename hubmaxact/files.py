"""Files read no further than a limit, and written so that a reader never sees half of one.

Writing: temporary file in the same folder, flush to disk, rename, flush the folder where that can
be done (Pillai et al. 2014, "All file systems are not created equal").
"""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from hubmaxact.errors import HubmaxactError
from hubmaxact.printable import LONGEST_PATH, printable

PREFIX = ".hubmaxact-"
TEMPORARY = re.compile(rf"{re.escape(PREFIX)}[0-9a-f]{{16}}")
NEW_MODE = 0o666  # less what the umask takes away
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says where there is no room."""

# Its first name was Hawser; old repositories still hold such pointers.
LFS_POINTERS = (
    b"version https://git-lfs.github.com/spec/",
    b"version https://hawser.github.com/spec/",
)
MOST_POINTER_BYTES = 1024
"""As git-lfs itself: what is longer is no pointer."""


class WriteError(HubmaxactError):
    """Raised when a result cannot be written; what was there before is still there."""


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading; nothing else is waited for or read.

    Args:
        path: The file, whoever made it.

    Returns:
        Its bytes, from the first.

    Raises:
        OSError: It is missing, not a regular file, or may not be read; `strerror` says which.
    """
    try:
        # Without O_NONBLOCK, opening a pipe would wait for a writer.
        descriptor = os.open(
            path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        )
    except ValueError as error:
        raise OSError(errno.EINVAL, "its name holds a NUL") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, limit: int) -> bytes:
    """Return the first `limit` bytes of a regular file.

    Args:
        path: The file, whoever made it.
        limit: Bytes to read at most.

    Returns:
        The file's beginning, or all of it.

    Raises:
        OSError: As `open_regular` does.
    """
    with open_regular(path) as file:
        return file.read(limit)


def is_lfs_pointer(content: bytes) -> bool:
    """Whether this is the text that Git LFS leaves in the place of a file it did not fetch."""
    return len(content) <= MOST_POINTER_BYTES and content.startswith(LFS_POINTERS)


def lfs_pointer(content: bytes) -> bytes:
    """Return the text that git holds in the place of a file that is in LFS."""
    digest = hashlib.sha256(content).hexdigest()
    return b"%s%b\noid sha256:%b\nsize %d\n" % (
        LFS_POINTERS[0],
        b"v1",
        digest.encode("ascii"),
        len(content),
    )


def check_place(path: Path, room: int = 0, mark: str = "") -> None:
    """Refuse, before any long work, a path that nothing could be written to.

    Args:
        path: File that is to be written.
        room: Bytes that it will have at most.
        mark: As in `replacing`.

    Raises:
        WriteError: The folder is missing or read-only, or there is no room.
    """
    descriptor, temporary = _temporary(path, mark)
    try:
        # Only what was written is sure to fit: free space says nothing of quotas and limits.
        with os.fdopen(descriptor, "wb") as file:
            file.write(bytes(room))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise WriteError(_refusal(path, error)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Replace the file at `path` with `content`, all or nothing; its mode stays.

    Args:
        path: File to write or replace.
        content: All of it.

    Raises:
        WriteError: The folder is missing, read-only or full; the old file is intact.
    """
    with replacing(path) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: Path, mark: str = "") -> Iterator[BinaryIO]:
    """Write a file piece by piece, and put it in the place of another when the block ends.

    Args:
        path: File to write or replace; its mode stays.
        mark: What tells its temporary files from those of others who write into the folder.

    Yields:
        The new file, open for writing and seeking.

    Raises:
        WriteError: The folder is missing, read-only or full; the old file is intact.
    """
    descriptor, temporary = _temporary(path, mark)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if (mode := _mode(path)) is not None:
            temporary.chmod(mode)
        temporary.replace(path)
        flush_folder(path.parent)
    except OSError as error:
        raise WriteError(_refusal(path, error)) from error
    finally:
        with contextlib.suppress(
            OSError
        ):  # gone by the rename, or less to say than why that failed
            temporary.unlink()


def is_temporary(path: Path) -> bool:
    """Whether a file is one that a write which was killed may have left."""
    return TEMPORARY.fullmatch(path.name) is not None


def flush_folder(folder: Path) -> None:
    """Make a rename outlast a power cut, where folders can be opened: Windows opens none.

    Args:
        folder: Where the rename was.

    Raises:
        OSError: It cannot be opened or flushed.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary(path: Path, mark: str = "") -> tuple[int, Path]:
    """Open a new file beside `path`: its descriptor and name."""
    temporary = path.parent / f"{PREFIX}{mark}{secrets.token_hex(8)}"
    try:
        return os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, NEW_MODE), temporary
    except (OSError, ValueError) as error:
        raise WriteError(_refusal(path, error)) from error


def _refusal(path: Path, error: OSError | ValueError) -> str:
    code, reason = getattr(error, "errno", None), getattr(error, "strerror", "it is no path")
    advice = "Free some space, or choose" if code in FULL else "Choose"
    shown = printable(str(path), LONGEST_PATH)
    return f"cannot write {shown}: {reason}. {advice} another folder."


def _mode(path: Path) -> int | None:
    """Who may read and write the file that is there; None if there is none."""
    try:
        found = path.lstat().st_mode
    except FileNotFoundError:
        return None
    return stat.S_IMODE(found) & 0o777 if stat.S_ISREG(found) else None


def between_markers(document: str, begin: str, end: str, text: str) -> str:
    """Put a text between two markers of a document, in the place of what stands there.

    Args:
        document: Holds each marker once.
        begin: The first marker.
        end: The second one.
        text: What is written, an empty line before it and after.

    Returns:
        The document.
    """
    head, rest = document.split(begin)
    _, tail = rest.split(end)
    return f"{head}{begin}\n\n{text}\n\n{end}{tail}"
