"""What a report's name leads to: the bytes, and where they were found; nothing of it is checked.

A file, standard input, a folder that holds `activation_maxima.json`, an id on the Hub, or a URL
there. The Hub's client is loaded when one of the last two is named.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from hubmaxact.errors import HubError, HubmaxactError, OptionsError
from hubmaxact.files import read_regular
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.report.address import is_local, parse_address
from hubmaxact.report.document import MAX_REPORT_BYTES, REPORT_NAME

STDIN = ("-", "/dev/stdin")


class UnreadableFileError(HubmaxactError):
    """Raised when there is no regular file to read, or it may not be read."""


@dataclass(frozen=True, slots=True)
class Found:
    """A report's bytes, and where they were.

    Attributes:
        content: One byte more than a report may have, at most.
        folder: The folder that was named. None: a file or a repository was.
        repo_id: The repository. None: it was found on this machine.
        commit: Of the repository, as 40 hexadecimal digits.
        file: The report's own file. None: it came from standard input or from a repository.
        path: Its path in the repository.
    """

    content: bytes
    folder: Path | None = None
    repo_id: str | None = None
    commit: str | None = None
    file: Path | None = None
    path: str | None = None


def find(source: str | Path, revision: str | None = None) -> Found:
    """Return the bytes that a name leads to.

    Args:
        source: A file, "-" for standard input, a folder that holds `activation_maxima.json`,
            "OWNER/NAME" on the Hub (also with "hf://" and "@REVISION"), or the URL of a repository
            or of a file there. A `Path` is always a file or a folder.
        revision: Branch, tag or commit of a repository. None: the one named, or main.

    Returns:
        The bytes, and where they were.

    Raises:
        UnreadableFileError: The file is missing, not a regular file, or may not be read, or the
            folder or standard input holds no report.
        AddressError: The URL is not the Hub's, or leads to no model repository.
        OptionsError: Two revisions are named.
        HubError: The repository cannot be read, or holds no report.
    """
    if source in STDIN:
        return Found(_from_standard_input())
    if not source:  # a variable that is not set; the folder here is called "."
        raise UnreadableFileError(
            "the name of the report is empty. Give its file, a folder that holds it, or a Hub id."
        )
    if not is_local(source):
        return _on_the_hub(str(source), revision)
    path = Path(source)
    try:
        is_folder = path.is_dir()
    except (OSError, ValueError):
        is_folder = False
    if not is_folder:
        return Found(read_bounded(path), file=path)
    if not (path / REPORT_NAME).exists():
        raise UnreadableFileError(
            f"{printable(str(path), LONGEST_PATH)} holds no {REPORT_NAME}. Measure it with "
            "`hubmaxact measure`, or name the report's file."
        )
    return Found(read_bounded(path / REPORT_NAME), folder=path, file=path / REPORT_NAME)


def read_bounded(path: Path) -> bytes:
    """Return a file's content, or one byte more than a report may have.

    Args:
        path: A file, whoever wrote it.

    Returns:
        The content; `parse` refuses one of that many bytes.

    Raises:
        UnreadableFileError: It is missing, not a regular file, or may not be read.
    """
    name = printable(str(path), LONGEST_PATH)
    try:
        return read_regular(path, MAX_REPORT_BYTES + 1)
    except OSError as error:
        raise UnreadableFileError(f"cannot read {name}: {error.strerror}.") from error


def _from_standard_input() -> bytes:
    # None where it was closed before the start.
    content = sys.stdin.buffer.read(MAX_REPORT_BYTES + 1) if sys.stdin else b""
    if not content:
        raise UnreadableFileError(
            "standard input holds no report: it is empty, closed, or was read already. Pipe one "
            "in, and name - once."
        )
    return content


def download_report(repo_id: str, commit: str, path: str = REPORT_NAME) -> bytes:
    """Return the report in a repository; offline, the one in the cache.

    Args:
        repo_id: Model repository ("owner/name").
        commit: 40 hexadecimal digits.
        path: Path in the repository.

    Returns:
        The file, 2 MiB at most.

    Raises:
        HubError: There is none, it is too large, or it cannot be read.
    """
    from hubmaxact.hub import cache, repository

    repository.check_path(path)
    if cache.is_offline():
        found = cache.find_file(repo_id, commit, path)
        content = None if found is None else read_bounded(found)
    else:
        content = repository.read_file(repo_id, commit, path, limit=MAX_REPORT_BYTES)
    if content is None:
        raise HubError(
            f"{repo_id} has no {printable(path)} at {commit[:7]}. Measure it with "
            "`hubmaxact measure`."
        )
    return content


def _on_the_hub(name: str, revision: str | None) -> Found:
    from hubmaxact.hub import cache
    from hubmaxact.hub.client import endpoint

    address = parse_address(name, endpoint())
    shown = printable(name, LONGEST_PATH)
    if revision and address.revision and revision != address.revision:
        raise OptionsError(f"{shown} names a revision, and --revision another. Leave one out.")
    try:
        commit = cache.find_commit(address.repo_id, revision or address.revision)
        content = download_report(address.repo_id, commit, address.path)
    except HubError as error:
        if "://" in name:
            raise
        # It may have been meant as a path.
        raise HubError(
            f"there is no file or folder {shown} here, and on the Hub: {error}"
        ) from error
    return Found(content, repo_id=address.repo_id, commit=commit, path=address.path)
