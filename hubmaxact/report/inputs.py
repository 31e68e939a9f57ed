"""Report files as inputs: read, validated, and each error told with the name of its file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hubmaxact.errors import ReportError
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.report.document import Report
from hubmaxact.report.read import parse, read_bounded


class BadInputError(ReportError):
    """Raised when one of several files is not a valid report; says which one and why."""

    def __init__(self, file: str, error: ReportError) -> None:
        super().__init__(f"{printable(file, LONGEST_PATH)}: {error}")
        self.exit_code = error.exit_code


@dataclass(frozen=True, slots=True)
class Input:
    """A report and the file it came from."""

    file: str  # as the user named it; bytes that are no text are question marks
    report: Report

    @property
    def file_name(self) -> str:
        """The last part of the path."""
        return Path(self.file).name


def read_input(path: Path) -> Input:
    """Read one report.

    Raises:
        UnreadableFileError: it is missing, not a regular file, or may not be read.
        BadInputError: what is in it is not a report.
    """
    file = str(path).encode("utf-8", "replace").decode()
    content = read_bounded(path)
    try:
        return Input(file, parse(content))
    except ReportError as error:
        raise BadInputError(file, error) from error


def read_inputs(paths: Sequence[Path]) -> tuple[Input, ...]:
    """Read several reports, in order; raises as `read_input` does."""
    return tuple(map(read_input, paths))
