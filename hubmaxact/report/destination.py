"""Where a report goes: a file, what a link leads to, a pipe, a device; what stands there stays.

A file is replaced whole. A pipe or a device is written through, and so is a file that is this
program's own standard output or error. Another model's report is kept under another name.
"""

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import BinaryIO, NamedTuple

from hubmaxact.errors import HubmaxactError
from hubmaxact.files import WriteError, check_place, read_regular, write_bytes
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.report.document import MAX_REPORT_BYTES, MAX_WRITTEN_BYTES, Report
from hubmaxact.report.model_block import every_weight_file
from hubmaxact.report.read import parse

READER_SECONDS = 60.0
"""How long a pipe may be without a reader before the report goes elsewhere."""

BETWEEN_LOOKS = 0.05  # seconds


def check_destination(path: Path) -> None:
    """Refuse, before any long work, a path where no report could be written.

    Args:
        path: Where it is to go.

    Raises:
        WriteError: It is a folder or another thing that takes no report, it may not be written, or
            there is no room.
    """
    found = _mode(path)
    if stat.S_ISREG(found):
        check_place(real_path(path), room=MAX_WRITTEN_BYTES)
    elif not (stat.S_ISFIFO(found) or stat.S_ISCHR(found)):
        what = "a folder" if stat.S_ISDIR(found) else "neither a file nor a pipe"
        raise WriteError(f"cannot write {_shown(path)}: it is {what}. Name a file.")
    elif not os.access(path, os.W_OK):
        raise WriteError(f"cannot write {_shown(path)}: {os.strerror(errno.EACCES)}.")


def write_content(path: Path, content: bytes) -> None:
    """Write a report's bytes to whatever stands at a path.

    Args:
        path: Where they go.
        content: All of them.

    Raises:
        WriteError: They did not arrive; a file that was there is intact.
    """
    found = _mode(path)
    if (stream := own_stream(path)) is not None:
        _through(path, stream, content)
    elif stat.S_ISFIFO(found) or stat.S_ISCHR(found):
        with _opened(path) as file:
            _through(path, file, content)
    else:
        write_bytes(real_path(path), content)


def is_file(path: Path) -> bool:
    """Whether a report that goes to a path becomes a file, beside which others may lie."""
    return stat.S_ISREG(_mode(path)) and own_stream(path) is None


def real_path(path: Path) -> Path:
    """Return what a link leads to.

    Args:
        path: Of a file, there or not, or of a link to one.

    Returns:
        An absolute path without links.

    Raises:
        WriteError: The folder that this program runs in is gone.
    """
    try:
        return Path(os.path.realpath(path))
    except OSError as error:
        raise WriteError(
            f"cannot write {_shown(path)}: {error.strerror}. Choose another folder."
        ) from error


def own_stream(path: Path) -> BinaryIO | None:
    """This program's standard output or error, where a path leads to one of them; else None."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if os.path.samestat(path.stat(), os.fstat(stream.fileno())):
                stream.flush()
                return stream.buffer
        except (OSError, ValueError, AttributeError):  # closed, or in memory
            continue
    return None


class Kept(NamedTuple):
    """What was kept under another name: where, and a sentence that says so."""

    path: Path
    sentence: str


def keep_other(
    path: Path,
    report: Report,
    *,
    own_folder: bool = False,
    first: Callable[[Path], None] | None = None,
) -> Kept | None:
    """Keep what is no report of the same model under another name, before it is replaced.

    Args:
        path: Where the report is to go.
        report: The report.
        own_folder: Whether the folder is the checkpoint that was measured, so that a report there
            that names no model is of an earlier state of it.
        first: Called with the name before the old report gets it, unless a run that was killed has
            come so far already.

    Returns:
        What was kept, and where. None: nothing is lost.

    Raises:
        WriteError: It cannot be kept; it is still there.
    """
    if not stat.S_ISREG(_mode(path)) or not path.exists() or own_stream(path) is not None:
        return None
    real = Path(os.path.realpath(path))
    old = _report_in(real)
    if real.stat().st_size == 0 or (old and _is_same_model(old, report, own_folder=own_folder)):
        return None
    kept = _link_aside(real, first or (lambda _: None))
    what = f"the report of {_name(old)}" if old else "something that is no report"
    return Kept(kept, f"{_shown(path)} held {what}; that is now {_shown(kept)}.")


def _is_same_model(old: Report, new: Report, *, own_folder: bool) -> bool:
    """By the repository where both name one, else by the weights."""
    before, after = old["model"], new["model"]
    if before["id"] is not None and after["id"] is not None:
        return before["id"] == after["id"]
    if own_folder and before["id"] is None:
        return True
    return every_weight_file(before) == every_weight_file(after)


def _name(report: Report) -> str:
    return printable(report["model"]["id"] or "another checkpoint")


def _report_in(path: Path) -> Report | None:
    try:
        return parse(read_regular(path, MAX_REPORT_BYTES + 1))
    except (OSError, HubmaxactError):
        return None


def _link_aside(path: Path, first: Callable[[Path], None]) -> Path:
    """Give a file a second name beside its own."""
    for number in count(1):
        kept = path.with_name(f"{path.stem}-{number}{path.suffix}")
        if kept.exists():
            if kept.samefile(path):
                return kept
            continue
        first(kept)
        try:
            os.link(path, kept)
        except FileExistsError:
            continue
        except OSError:  # not every file system has links
            _copy(path, kept)
        return kept
    raise AssertionError("numbers do not end")


def _copy(path: Path, kept: Path) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = f"cannot keep {_shown(path)} as {_shown(kept)}: {error.strerror}."
        raise WriteError(f"{reason} Move it away, or choose another name.") from error
    write_bytes(kept, content)


def _mode(path: Path) -> int:
    """What stands at a path, or at what a link leads to; a file where nothing does yet."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return stat.S_IFREG
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        raise WriteError(
            f"cannot write {_shown(path)}: {reason}. Choose another folder."
        ) from error


def _opened(path: Path) -> BinaryIO:
    """A pipe that somebody reads, or a device, for writing."""
    until = time.monotonic() + READER_SECONDS
    while True:
        try:
            # Waiting is for the loop: opening a pipe that nobody reads would wait for ever.
            descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            if error.errno == errno.ENXIO and time.monotonic() < until:
                time.sleep(BETWEEN_LOOKS)
                continue
            reason = "nobody reads it" if error.errno == errno.ENXIO else error.strerror
            raise WriteError(f"cannot write {_shown(path)}: {reason}.") from error
        return os.fdopen(descriptor, "wb", buffering=0)


def _through(path: Path, file: BinaryIO, content: bytes) -> None:
    rest = memoryview(content)
    try:
        with _waited_for(file):
            while rest:
                rest = rest[file.write(rest) :]
            file.flush()
    except OSError as error:
        raise WriteError(f"cannot write {_shown(path)}: {error.strerror}.") from error


@contextmanager
def _waited_for(file: BinaryIO) -> Iterator[None]:
    """Whoever made a pipe may have said that nobody waits for its reader; a report does."""
    if not hasattr(os, "get_blocking"):
        yield
        return
    before = os.get_blocking(file.fileno())
    os.set_blocking(file.fileno(), True)
    try:
        yield
    finally:
        os.set_blocking(file.fileno(), before)


def _shown(path: Path) -> str:
    return printable(str(path), LONGEST_PATH)
