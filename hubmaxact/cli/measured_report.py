"""Where `measure` puts its report: everywhere it was asked to, or elsewhere where that fails."""

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from hubmaxact.files import WriteError
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.report.destination import check_destination, keep_other, own_stream
from hubmaxact.report.document import REPORT_NAME, Report
from hubmaxact.report.write import report_bytes, write_report

STANDARD_OUTPUT = Path("/dev/stdout")


@dataclass(frozen=True, slots=True)
class Target:
    """A place that a report is to go to.

    Attributes:
        path: Of the report itself.
        own_folder: Whether it lies in the checkpoint that is measured.
    """

    path: Path
    own_folder: bool = False


def targets(output: Path | None, write_into: Path | None, checkpoint: str) -> list[Target]:
    """Return every place the report goes to.

    Args:
        output: File, pipe, device, or "-" for standard output. None: not asked for.
        write_into: Folder. None: not asked for.
        checkpoint: What is measured, as the user named it.

    Returns:
        Targets; the default when nothing is asked for.
    """
    found = []
    if output is not None:
        found.append(Target(STANDARD_OUTPUT if str(output) == "-" else output))
    if write_into is not None:
        own = Path(checkpoint).is_dir() and write_into.samefile(checkpoint)
        found.append(Target(write_into / REPORT_NAME, own_folder=own))
    return found or [Target(Path(REPORT_NAME))]


def check(places: Sequence[Target]) -> None:
    """Refuse, before any long work, a place where no report could be written.

    Args:
        places: All of them.

    Raises:
        WriteError: The first that takes none.
    """
    for place in places:
        if place.path == STANDARD_OUTPUT and sys.stdout is None:
            raise WriteError("cannot write standard output: it is closed. Name a file.")
        check_destination(place.path)


def takes_standard_output(places: Sequence[Target]) -> bool:
    """Whether the report itself goes to standard output, and nothing else may."""
    found = [own_stream(place.path) for place in places]
    # None where it was closed before the start.
    own = sys.stdout.fileno() if sys.stdout and any(found) else None
    return any(stream is not None and stream.fileno() == own for stream in found)


def write(report: Report, places: Sequence[Target]) -> None:
    """Write the report to every place, and say so; it is lost nowhere.

    Args:
        report: What was measured.
        places: Where it goes.

    Raises:
        WriteError: One did not take it; the message says where the report is.
    """
    written, failed = [], []
    for place in places:
        try:
            if kept := keep_other(place.path, report, own_folder=place.own_folder):
                click.echo(kept, err=True)
            write_report(report, place.path)
            written.append(printable(str(place.path), LONGEST_PATH))
        except WriteError as error:
            failed.append(error)
    if failed:
        where = " and ".join(written) or _rescued(report)
        raise WriteError(f"{failed[0]} The report is in {where}.") from failed[0]
    click.echo(f"Wrote {' and '.join(written)}.", err=True)


def _rescued(report: Report) -> str:
    """Put a report where there is room; say where."""
    content = report_bytes(report)
    with suppress(OSError):
        descriptor, name = tempfile.mkstemp(prefix="activation_maxima-", suffix=".json")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
        except OSError:
            Path(name).unlink()
            raise
        return name
    click.echo(content, nl=False)
    return "standard output"
