"""Writing a file so that a reader sees the old bytes or the new ones, never half of either.

Temporary file in the same folder, flush to disk, rename, flush the folder
(Pillai et al. 2014, "All file systems are not created equal").
"""

import contextlib
import os
import tempfile
from pathlib import Path

from hubmaxact.errors import HubmaxactError

PREFIX = ".hubmaxact-"


class WriteError(HubmaxactError):
    """Raised when a result cannot be written; what was there before is still there."""


def check_place(path: Path) -> None:
    """Refuse, before any long work, a path that nothing could be written to.

    Raises:
        WriteError: the folder is missing or read-only.
    """
    descriptor, temporary = _temporary(path)
    os.close(descriptor)
    Path(temporary).unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Replace the file at `path` with `content`, all or nothing.

    Raises:
        WriteError: the folder is missing, read-only or full; the old file is intact.
    """
    descriptor, temporary = _temporary(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise WriteError(f"cannot write {path}: {error.strerror}. Free some space.") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()


def _temporary(path: Path) -> tuple[int, str]:
    """Open a new file beside `path`: its descriptor and name."""
    try:
        return tempfile.mkstemp(prefix=PREFIX, dir=path.parent)
    except OSError as error:
        raise WriteError(
            f"cannot write {path}: {error.strerror}. Choose another folder."
        ) from error


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
