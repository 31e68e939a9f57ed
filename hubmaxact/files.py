"""Files read no further than a limit, and written so that a reader never sees half of one.

Writing: temporary file in the same folder, flush to disk, rename, flush the folder where that can
be done (Pillai et al. 2014, "All file systems are not created equal").
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from hubmaxact.errors import HubmaxactError
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.temporary_files import temporary_file, temporary_name, without_failing

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says where there is no room."""

NEVER_FLUSHED = frozenset({errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EOPNOTSUPP})
"""What it says of a folder where a file system flushes none."""

MOST_ZEROS = 1024 * 1024  # bytes at once

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
    with _refusing(path, room), temporary_file(path.parent, mark) as (_, file):
        # Only what was written is sure to fit: free space says nothing of quotas and limits.
        file.writelines(bytes(min(MOST_ZEROS, room - at)) for at in range(0, room, MOST_ZEROS))
        file.flush()
        os.fsync(file.fileno())


def write_bytes(path: Path, content: bytes) -> None:
    """Replace the file at `path` with `content`, all or nothing; its mode stays.

    Args:
        path: File to write or replace.
        content: All of it.

    Raises:
        WriteError: The folder is missing, read-only or full; the old file is intact.
    """
    with written_aside({path: content}) as put_in_place:
        put_in_place()


@contextmanager
def replacing(path: Path, mark: str = "") -> Iterator[BinaryIO]:
    """Write a file piece by piece, and put it in the place of another when the block ends.

    Args:
        path: File to write or replace; its mode stays.
        mark: What tells its temporary files from others, where a folder has an owner who removes
            those that killed writers left.

    Yields:
        The new file, open for writing and seeking.

    Raises:
        WriteError: The folder is missing, read-only or full; the old file is intact.
    """
    with _aside(path, mark) as (temporary, file):
        try:
            yield file
        except OSError as error:
            raise _refusal(path, error) from error
        _finish(path, temporary, file)
        _put_in_place([(path, temporary)])


@contextmanager
def written_aside(contents: Mapping[Path, bytes]) -> Iterator[Callable[[], None]]:
    """Write files that belong together under other names; none is replaced unless all are written.

    Args:
        contents: By path; later files may name those before them.

    Yields:
        What puts them in their places, in order, and where one cannot be, what was there before
        stays or comes back, if the file system has hard links.

    Raises:
        WriteError: One cannot be written; what is yielded raises it too.
    """
    with ExitStack() as aside:
        waiting = []
        for path, content in contents.items():
            temporary, file = aside.enter_context(_aside(path))
            with _refusing(path):
                file.write(content)
            _finish(path, temporary, file)
            waiting.append((path, temporary))
        yield partial(_put_in_place, waiting)


@contextmanager
def _aside(path: Path, mark: str = "") -> Iterator[tuple[Path, BinaryIO]]:
    """A file beside `path` that is gone at the end, unless it has taken its place."""
    with ExitStack() as waiting:
        with _refusing(path):
            made = waiting.enter_context(temporary_file(path.parent, mark))
        yield made  # what fails meanwhile is told by who asks for it


def _finish(path: Path, temporary: Path, file: BinaryIO) -> None:
    """Bring what was written to the disk, with the mode that `path` has."""
    with _refusing(path):
        file.flush()
        os.fsync(file.fileno())
        file.close()  # Windows renames nothing that is open
        if (mode := _mode(path)) not in (None, _mode(temporary)):
            temporary.chmod(mode)


def _put_in_place(waiting: Iterable[tuple[Path, Path]]) -> None:
    with ExitStack() as kept, ExitStack() as undoing:
        for path, temporary in waiting:
            with _refusing(path):
                undo = _way_back(path, kept)
                temporary.replace(path)
                undoing.callback(without_failing, undo)
                flush_folder(path.parent)
        undoing.pop_all()


def _way_back(path: Path, kept: ExitStack) -> Callable[[], object]:
    """What takes away a file that replaces the one at a path, which has another name until then."""
    if not os.path.lexists(path):
        return path.unlink
    name = temporary_name(path.parent)
    try:
        os.link(path, name)
    except OSError:  # not every file system has links, and not everything can have one
        return lambda: None
    kept.callback(without_failing, name.unlink)
    return partial(name.replace, path)


def flush_folder(folder: Path) -> None:
    """Make a rename outlast a power cut, where folders can be opened and flushed.

    Args:
        folder: Where the rename was.

    Raises:
        OSError: The disk failed.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return  # Windows opens none
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:
        return  # it may be written and not read
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NEVER_FLUSHED:
            raise
    finally:
        os.close(descriptor)


@contextmanager
def _refusing(path: Path, room: int = 0) -> Iterator[None]:
    """Tell what fails as a path that cannot be written, where so many bytes have no room."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise _refusal(path, error, room) from error


def _refusal(path: Path, error: OSError | ValueError, room: int = 0) -> WriteError:
    code, reason = getattr(error, "errno", None), getattr(error, "strerror", "it is no path")
    advice = "Free some space, or choose" if code in FULL else "Choose"
    needed = f", and {room:,} bytes are needed" if room and code in FULL else ""
    shown = printable(str(path), LONGEST_PATH)
    return WriteError(f"cannot write {shown}: {reason}{needed}. {advice} another folder.")


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
