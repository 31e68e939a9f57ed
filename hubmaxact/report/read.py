"""From bytes that anyone may have written to a report that can be relied on.

Bounded in time and memory whatever the bytes are. Where they come from is known in `source`.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from hubmaxact.errors import ReportError
from hubmaxact.files import is_lfs_pointer
from hubmaxact.printable import shown
from hubmaxact.report.document import SCHEMA_VERSION, Report
from hubmaxact.report.json_text import load
from hubmaxact.report.problem import Problem
from hubmaxact.report.source import find
from hubmaxact.report.validate import validate

VERSION = re.compile(r"0\.([1-9][0-9]{0,3})")


class NewerReportError(ReportError):
    """Raised when a report was written by a newer hubmaxact than this one."""

    exit_code = 2


class PointerError(ReportError):
    """Raised when Git LFS left a pointer in the place of a report."""

    exit_code = 2


class InvalidReportError(ReportError):
    """Raised when a document is JSON and not a valid report.

    Args:
        problems: What is wrong, as `validate` returns it; the error keeps it under this name.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        rest = len(problems) - 1
        more = f"; and {rest} more. Run `hubmaxact validate` to see them" if rest else ""
        super().__init__(f"{problems[0]}{more}")
        self.problems = tuple(problems)


def parse(content: bytes) -> Report:
    """Return the report in these bytes.

    Args:
        content: A file's content, whoever wrote it.

    Returns:
        The report; nothing in it needs to be looked at again.

    Raises:
        PointerError: It is what Git LFS left in the report's place.
        NewerReportError: Its schema is newer than this reader.
        InvalidReportError: It is JSON and not a valid report; `.problems` holds what is wrong.
        ReportError: It is no JSON, or JSON that readers disagree about.
    """
    if is_lfs_pointer(content):
        raise PointerError(
            "a Git LFS pointer stands in the place of the report. Run `git lfs pull`; in a "
            "workflow, check out with `lfs: true`."
        )
    document = load(content)
    _check_version(document)
    if found := validate(document):
        raise InvalidReportError(found)
    return cast("Report", document)


def read_report(source: str | Path | bytes) -> Report:
    """Return the report that a name leads to, or in a file's bytes, whoever wrote them.

    Args:
        source: A file, a folder that holds `activation_maxima.json`, "OWNER/NAME" on the Hub (also
            with "@REVISION"), or a URL there; or a file's content. 2 MiB are read at most. A `Path`
            is always a file or a folder.

    Returns:
        The report, validated; numbers are finite, and what may be null is so for a reason.

    Raises:
        UnreadableFileError: The file is missing, not a regular file, or may not be read.
        PointerError: It is what Git LFS left in the report's place.
        AddressError: The URL is not the Hub's, or leads to no model repository.
        HubError: The repository cannot be read, or holds no report.
        NewerReportError: It was written by a newer hubmaxact than this one.
        InvalidReportError: It is JSON and not a valid report; `.problems` holds what is wrong.
        ReportError: It is no JSON, or JSON that readers disagree about.
    """
    return parse(content_of(source))


def content_of(source: str | Path | bytes) -> bytes:
    """Return bytes as they are, and what a name leads to as `source.find` does.

    Args:
        source: A report by any of its names, or its content.

    Returns:
        The content.

    Raises:
        UnreadableFileError: The file is missing, not a regular file, or may not be read.
        AddressError: The URL is not the Hub's, or leads to no model repository.
        HubError: The repository cannot be read, or holds no report.
    """
    return source if isinstance(source, bytes) else find(source).content


def _check_version(document: object) -> None:
    """Tell a newer report from an invalid one before the schema calls it invalid."""
    version = document.get("schema_version") if isinstance(document, dict) else None
    match = VERSION.fullmatch(version) if isinstance(version, str) else None
    known = VERSION.fullmatch(SCHEMA_VERSION)
    assert known is not None
    if match is not None and int(match[1]) > int(known[1]):
        raise NewerReportError(
            f"schema version {match[0]} is newer than this reader, which knows {SCHEMA_VERSION}; "
            "upgrade hubmaxact."
        )
    if isinstance(version, str) and match is None:
        raise ReportError(f"schema_version: {shown(version)} is not one this reader knows (0.N)")
