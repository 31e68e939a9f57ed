"""Reports as inputs, from files or from memory: validated, and each error told with its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hubmaxact.errors import ReportError
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.report.document import Report
from hubmaxact.report.read import InvalidReportError, parse, read_bounded
from hubmaxact.report.validate import validate


class BadInputError(ReportError):
    """Raised when one of several inputs is not a valid report; says which one and why."""

    def __init__(self, name: str, error: ReportError) -> None:
        super().__init__(f"{printable(name, LONGEST_PATH)}: {error}")
        self.exit_code = error.exit_code


@dataclass(frozen=True, slots=True)
class Input:
    """A report and the file it came from.

    Attributes:
        file: Its path as the user named it; bytes that are no text are question marks. None: it
            came from memory.
        report: The report, validated.
    """

    file: str | None
    report: Report

    @property
    def file_name(self) -> str:
        """The last part of the path; empty without one."""
        return Path(self.file or "").name


def read_input(source: Report | str | Path, name: str = "the report") -> Input:
    """Read a report from its file, or take one from memory; it is validated either way.

    Args:
        source: A report, or the path of its file.
        name: What to call a report from memory that is not valid.

    Returns:
        The report and where it came from.

    Raises:
        UnreadableFileError: The file is missing, not a regular file, or may not be read.
        BadInputError: It is not a valid report.
    """
    file = None
    if isinstance(source, str | Path):
        file = str(source).encode("utf-8", "replace").decode()
    try:
        return Input(file, _report(source))
    except ReportError as error:
        raise BadInputError(file or name, error) from error


def read_inputs(sources: Sequence[Report | str | Path]) -> tuple[Input, ...]:
    """Read several reports, in order.

    Args:
        sources: Reports, or paths of their files.

    Returns:
        As many inputs, in the same order.

    Raises:
        UnreadableFileError: A file is missing, not a regular file, or may not be read.
        BadInputError: One is not a valid report; the message names the first.
    """
    return tuple(read_input(each, f"report {n}") for n, each in enumerate(sources, 1))


def _report(source: Report | str | Path) -> Report:
    if isinstance(source, str | Path):
        return parse(read_bounded(Path(source)))
    if found := validate(source):
        raise InvalidReportError(found)
    return source
