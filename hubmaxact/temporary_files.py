"""Names under which files and folders wait until they are whole, and what becomes of them.

A writer locks what it makes for as long as it lives, so one that nobody locks is a dead writer's,
and whoever writes into the same folder next removes it.
"""

import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, which removes nothing that somebody has open
    fcntl = None  # type: ignore[assignment]

PREFIX = ".hubmaxact-"
TEMPORARY = re.compile(rf"{re.escape(PREFIX)}[0-9a-f]{{16}}")
NEW_MODE = 0o666  # less what the umask takes away
ABANDONED = 3600.0
"""Seconds after which what cannot be locked belongs to nobody."""


def is_temporary(path: Path) -> bool:
    """Whether a file or a folder is one that a write which was killed may have left."""
    return TEMPORARY.fullmatch(path.name) is not None


def temporary_name(folder: Path, mark: str = "") -> Path:
    """Return a name that nothing else in a folder bears; marked, one that `sweep` passes by."""
    return folder / f"{PREFIX}{mark}{secrets.token_hex(8)}"


@contextmanager
def temporary_file(folder: Path, mark: str = "") -> Iterator[tuple[Path, BinaryIO]]:
    """Make a file in a folder, which is gone at the end unless it has another name by then.

    Args:
        folder: What killed writers left there is removed first.
        mark: As in `temporary_name`.

    Yields:
        Its name, and the file for writing; it may be closed before it gets another name.

    Raises:
        OSError: It cannot be made.
    """
    sweep(folder)
    with ExitStack() as at_the_end:
        name, descriptor = _made(folder, mark, at_the_end)
        file = os.fdopen(descriptor, "wb")
        # Whoever wants to know whether all was written closes it before.
        at_the_end.callback(without_failing, file.close)
        yield name, file


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """Make a folder in a folder, which is gone at the end unless it has another name by then.

    Args:
        parent: What killed writers left there is removed first.

    Yields:
        Its name.

    Raises:
        OSError: It cannot be made.
    """
    sweep(parent)
    folder = temporary_name(parent)
    folder.mkdir()
    with ExitStack() as at_the_end:
        at_the_end.callback(shutil.rmtree, folder, ignore_errors=True)
        _hold(folder, at_the_end)
        yield folder


def without_failing(call: Callable[[], object]) -> None:
    """Tidy up, where there is less to say than what came before.

    Args:
        call: What takes something away, or puts something back.
    """
    with suppress(OSError):
        call()


def sweep(folder: Path) -> None:
    """Remove what killed writers left in a folder; what cannot be removed stays.

    Args:
        folder: Where to look; not in the folders in it.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if is_temporary(path := Path(entry.path)):
                with suppress(OSError):
                    _remove_abandoned(path, entry.stat(follow_symlinks=False))


def _made(folder: Path, mark: str, at_the_end: ExitStack) -> tuple[Path, int]:
    """A new file, held by this process: its name and descriptor."""
    binary = getattr(os, "O_BINARY", 0)
    while True:
        name = temporary_name(folder, mark)
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | binary, NEW_MODE)
        with ExitStack() as holding:
            holding.callback(without_failing, name.unlink)
            if _hold(name, holding) and os.fstat(descriptor).st_nlink:
                at_the_end.push(holding.pop_all())
                return name, descriptor
        os.close(descriptor)  # somebody swept before it was held


def _hold(name: Path, at_the_end: ExitStack) -> bool:
    """Keep sweepers away from a file or a folder; false where one is at it."""
    if fcntl is None:
        return True
    # Not by the descriptor that writes: a file on a network may be whole only when that is closed.
    try:
        descriptor = os.open(name, os.O_RDONLY)
    except OSError as error:  # what may not be read is its writer's without a lock
        return not isinstance(error, FileNotFoundError)
    at_the_end.callback(os.close, descriptor)
    return _lock(descriptor, fcntl.LOCK_SH) is not False


def _remove_abandoned(path: Path, found: os.stat_result) -> None:
    is_folder = stat.S_ISDIR(found.st_mode)
    if not (is_folder or stat.S_ISREG(found.st_mode)):
        return
    with ExitStack() as locked:
        free = None
        if fcntl is not None:
            # Over a network only what is open for writing can be locked; a folder never is.
            access = os.O_RDONLY if is_folder else os.O_RDWR
            descriptor = os.open(path, access | os.O_NOFOLLOW)
            locked.callback(os.close, descriptor)
            free = _lock(descriptor, fcntl.LOCK_EX)
        if free is None:
            free = time.time() - found.st_mtime > ABANDONED
        if free and is_folder:
            shutil.rmtree(path)
        elif free:
            path.unlink()


def _lock(descriptor: int, kind: int) -> bool | None:
    """Lock what is open: whether that went well, None where nothing can be locked."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return True
