"""Reports as inputs, by any name or from memory: validated, each error told with its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hubmaxact.errors import ReportError
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.report.document import Report
from hubmaxact.report.read import InvalidReportError, parse
from hubmaxact.report.source import Found, find
from hubmaxact.report.validate import validate


class BadInputError(ReportError):
    """Raised when one of several inputs is not a valid report; says which one and why."""

    def __init__(self, name: str, error: ReportError) -> None:
        super().__init__(f"{printable(name, LONGEST_PATH)}: {error}")
        self.exit_code = error.exit_code


@dataclass(frozen=True, slots=True)
class Input:
    """A report and where it came from.

    Attributes:
        file: Its name as the user gave it; bytes that are no text are question marks. None: it
            came from memory.
        report: The report, validated.
        found: Where it was found. None: it came from memory.
    """

    file: str | None
    report: Report
    found: Found | None = None

    @property
    def file_name(self) -> str:
        """The last part of the name; empty without one."""
        return Path(self.file or "").name or self.file or ""


def read_input(
    source: Report | str | Path, name: str = "the report", *, revision: str | None = None
) -> Input:
    """Read a report by its name, or take one from memory; it is validated either way.

    Args:
        source: A report, or its file, a folder that holds it, an id on the Hub, or a URL there.
        name: What to call a report from memory that is not valid.
        revision: Branch, tag or commit, for a report on the Hub.

    Returns:
        The report and where it came from.

    Raises:
        UnreadableFileError: The file is missing, not a regular file, or may not be read.
        AddressError: The URL is not the Hub's, or leads to no model repository.
        HubError: The repository cannot be read, or holds no report.
        BadInputError: It is not a valid report.
    """
    if isinstance(source, str | Path):
        file = str(source).encode("utf-8", "replace").decode()
        found = find(source, revision)
        try:
            return Input(file, parse(found.content), found)
        except ReportError as error:
            raise BadInputError(file, error) from error
    if problems := validate(source):
        raise BadInputError(name, InvalidReportError(problems))
    return Input(None, source)


def read_inputs(sources: Sequence[Report | str | Path]) -> tuple[Input, ...]:
    """Read several reports, in order.

    Args:
        sources: Reports, or any of their names.

    Returns:
        As many inputs, in the same order.

    Raises:
        UnreadableFileError: A file is missing, not a regular file, or may not be read.
        AddressError: A URL is not the Hub's, or leads to no model repository.
        HubError: A repository cannot be read, or holds no report.
        BadInputError: One is not a valid report; the message names the first.
    """
    return tuple(read_input(each, f"report {n}") for n, each in enumerate(sources, 1))
