"""A folder that is there whole or not at all: filled under another name, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hubmaxact.files import WriteError, flush_folder
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.temporary_files import temporary_folder


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a folder to be filled, which becomes `path` when that has gone well.

    Args:
        path: A folder that is not there yet, or is empty.

    Yields:
        The folder under its first name, beside `path`.

    Raises:
        WriteError: Something is there, or the folder cannot be made; nothing is left over.
    """
    _refuse_taken(path)
    try:
        with temporary_folder(path.absolute().parent) as aside:
            yield aside
            flush_folder(aside)
            if os.name == "nt" and path.is_dir():
                path.rmdir()  # empty; Windows renames onto nothing that is there
            aside.rename(path)
            try:
                flush_folder(aside.parent)
            except OSError:
                path.rename(aside)
                raise
    except OSError as error:
        raise WriteError(
            f"cannot make the folder {_shown(path)}: {error.strerror}. Choose another place."
        ) from error


def _refuse_taken(path: Path) -> None:
    try:
        taken = os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir()))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        raise WriteError(f"cannot make the folder {_shown(path)}: {reason}.") from error
    if taken:
        raise WriteError(
            f"{_shown(path)} is there already and is no empty folder. Move it away, or choose "
            "another name."
        )


def _shown(path: Path) -> str:
    return printable(str(path), LONGEST_PATH)
