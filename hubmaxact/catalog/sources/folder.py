"""Reports in a local folder: every `*.json` below it, named by its relative path.

Nothing is followed out of the folder: links are not read, hidden folders not entered.
"""

import hashlib
import os
from pathlib import Path

from hubmaxact.catalog.manifest import State
from hubmaxact.catalog.outcome import Previous, SourceOutcome, in_table, left_out, read_report
from hubmaxact.catalog.store import MANIFEST
from hubmaxact.errors import HubmaxactError, ReportError
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.report.document import REPORT_NAME
from hubmaxact.report.source import UnreadableFileError, read_bounded

LONGEST_NAME = 512


class NoFolderError(HubmaxactError):
    """Raised when there is no folder to read reports from."""


def report_files(folder: Path, output: Path) -> list[Path]:
    """Every `*.json` below a folder in the order of names; the catalog's manifest is no report.

    Args:
        folder: Where to look. Linked and hidden folders in it are not entered.
        output: The catalog's own folder, which may lie inside.

    Returns:
        Paths that begin with `folder`.

    Raises:
        NoFolderError: It is not a folder, or something in it cannot be listed.
    """
    own = output.resolve()
    files = []
    try:
        # By itself, os.walk takes what it cannot list for an empty folder.
        for parent, folders, names in os.walk(folder, onerror=_refuse):
            here = Path(parent)
            folders[:] = [n for n in folders if not n.startswith(".")]
            ours = {MANIFEST} if here.resolve() == own else set()
            files += [here / name for name in names if _is_wanted(name) and name not in ours]
    except OSError as error:
        raise NoFolderError(
            f"cannot list {printable(str(error.filename), LONGEST_PATH)}: {error.strerror}. "
            "Name a folder of reports, or give --from-hub for the Hub's."
        ) from error
    return sorted(files, key=lambda path: path.parts)  # Windows would not tell A from a


def _refuse(error: OSError) -> None:
    raise error


def read_file(path: Path, folder: Path, previous: Previous) -> SourceOutcome:
    """Return what is in one file, or why it is left out."""
    name = path.relative_to(folder).as_posix()
    if printable(name, LONGEST_NAME) != name:
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        reason = "the file's name is too long or holds control characters; rename it"
        return left_out(printable(shown, LONGEST_NAME), reason)
    if path.is_symlink():
        return left_out(name, "a symbolic link; links are not followed")
    try:
        content = read_bounded(path)
    except UnreadableFileError as error:
        return left_out(name, error)
    return _read(name, content, previous)


def _read(name: str, content: bytes, previous: Previous) -> SourceOutcome:
    digest = hashlib.sha256(content).hexdigest()
    if before := previous.same(name, sha256=digest):
        return before
    state = State(sha256=digest)
    try:
        _, row = read_report(content, key=f"file:{name}", name=_shown(name))
    except ReportError as error:
        return left_out(name, error, state)
    return in_table(name, row, state)


def _shown(name: str) -> str:
    """The path, without what every report's path ends with."""
    return name.removesuffix(f"/{REPORT_NAME}").removesuffix(".json")


def _is_wanted(name: str) -> bool:
    return name.endswith(".json") and not name.startswith(".")
