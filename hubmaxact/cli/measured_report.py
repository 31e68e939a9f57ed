"""Where `measure` puts its report: everywhere it was asked to, or elsewhere where that fails."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click

from hubmaxact.cli.rescued_report import NO_SIDECARS, Sidecars, rescued
from hubmaxact.files import WriteError, written_aside
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.report.destination import (
    check_destination,
    is_file,
    keep_other,
    own_stream,
    real_path,
)
from hubmaxact.report.document import REPORT_NAME, Report
from hubmaxact.report.write import report_bytes, write_report
from hubmaxact.sidecars.own_folder import check_folder, keep_beside, made_beside, take_back
from hubmaxact.temporary_files import without_failing

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


def targets(output: Path | None, write_into: Path | None, checkpoint: str | None) -> list[Target]:
    """Return every place the report goes to.

    Args:
        output: File, pipe, device, or "-" for standard output. None: not asked for.
        write_into: Folder. None: not asked for.
        checkpoint: What is measured, as the user named it. None: nobody knows.

    Returns:
        Targets; the default when nothing is asked for.
    """
    found = []
    if output is not None:
        found.append(Target(STANDARD_OUTPUT if str(output) == "-" else output))
    if write_into is not None:
        own = (
            checkpoint is not None and Path(checkpoint).is_dir() and write_into.samefile(checkpoint)
        )
        found.append(Target(write_into / REPORT_NAME, own_folder=own))
    return found or [Target(Path(REPORT_NAME))]


def check(places: Sequence[Target], *, with_sidecars: bool = False) -> None:
    """Refuse, before any long work, a place where no report could be written.

    Args:
        places: All of them.
        with_sidecars: Whether files will lie beside the report.

    Raises:
        WriteError: The first that takes none.
    """
    for place in places:
        if place.path == STANDARD_OUTPUT and sys.stdout is None:
            raise WriteError("cannot write standard output: it is closed. Name a file.")
        check_destination(place.path)
        if with_sidecars and is_file(place.path):
            check_folder(place.path)


def check_room(places: Sequence[Target], num_bytes: int) -> None:
    """Refuse, before any batch is run, a place that has no room for what lies beside the report.

    Args:
        places: All of them.
        num_bytes: Of all files beside it.

    Raises:
        WriteError: The first that has none.
    """
    for place in places:
        if is_file(place.path):
            check_folder(place.path, room=num_bytes)


def takes_standard_output(places: Sequence[Target]) -> bool:
    """Whether the report itself goes to standard output, and nothing else may."""
    found = [own_stream(place.path) for place in places]
    # None where it was closed before the start.
    own = sys.stdout.fileno() if sys.stdout and any(found) else None
    return any(stream is not None and stream.fileno() == own for stream in found)


def write(
    report: Report,
    places: Sequence[Target],
    sidecars: Sidecars = NO_SIDECARS,
    *,
    second: Path | None = None,
) -> None:
    """Write the report to every place, and say so; it is lost nowhere.

    Args:
        report: What was measured.
        places: Where it goes.
        sidecars: What lies beside it, where it becomes a file.
        second: Folder that it goes to where no place takes it, before the one for temporary files.

    Raises:
        WriteError: One did not take it; the message says where the report is.
    """
    written, failed = [], []
    for place in places:
        try:
            _write(report, place, sidecars)
            written.append(place.path)
        except WriteError as error:
            failed.append(error)
    names = " and ".join(_shown(path) for path in written)
    if failed:
        said = [str(error) for error in failed]
        said.append(f"The report is in {names}." if names else rescued(report, sidecars, second))
        raise WriteError(" ".join(said)) from failed[0]
    click.echo(f"Wrote {names}.", err=True)
    if sidecars and not any(map(is_file, written)):
        lost = " and ".join(sidecars)
        click.echo(f"{lost} lie beside a file and were not written: give --output FILE.", err=True)


def _write(report: Report, place: Target, sidecars: Sidecars) -> None:
    """All files or none; the report last, so that whoever sees it finds what it names."""
    path = place.path
    if not is_file(path):
        write_report(report, path)
        return
    content = report_bytes(report)
    with (
        made_beside(path, sidecars) as beside,
        written_aside({**beside, real_path(path): content}) as put_in_place,
        ExitStack() as undoing,
    ):

        def follow(kept: Path) -> None:
            undoing.callback(take_back, path, kept)
            keep_beside(path, kept)

        if kept := keep_other(path, report, own_folder=place.own_folder, first=follow):
            undoing.callback(without_failing, kept.path.unlink)
        put_in_place()
        undoing.pop_all()
    if kept:
        click.echo(kept.sentence, err=True)


def _shown(path: Path) -> str:
    return printable(str(path), LONGEST_PATH)
