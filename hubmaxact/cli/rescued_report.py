"""A report whose place did not take it goes where there is room; hours of work are not lost."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

from hubmaxact.files import WriteError, written_aside
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.report.deployment import SidecarName
from hubmaxact.report.document import REPORT_NAME, Report
from hubmaxact.report.write import report_bytes
from hubmaxact.sidecars.own_folder import made_beside
from hubmaxact.temporary_files import without_failing

Sidecars = Mapping[SidecarName, bytes]
NO_SIDECARS: Sidecars = {}


def rescued(report: Report, sidecars: Sidecars, second: Path | None = None) -> str:
    """Put a report where there is room, with what lies beside it rather than without.

    Args:
        report: What was measured.
        sidecars: What lies beside it.
        second: Folder that is tried before the one for temporary files and standard output.

    Returns:
        A sentence that says where it is.
    """
    content = report_bytes(report)
    places = [*([] if second is None else [second]), *_for_temporary_files()]
    for place in places:
        if found := _in_new_folder(place, content, sidecars):
            return f"The report is in {_shown(found)}."
    without = f", without {' and '.join(sidecars)}" if sidecars else ""
    for place in places if sidecars else ():
        if found := _in_new_folder(place, content, NO_SIDECARS):
            return f"The report is in {_shown(found)}{without}."
    if _printed(content):
        return f"The report is in standard output{without}."
    return "No other place took the report, and it is lost."


def _for_temporary_files() -> list[Path]:
    try:
        return [Path(tempfile.gettempdir())]
    except FileNotFoundError:  # nowhere on this machine
        return []


def _in_new_folder(place: Path, content: bytes, sidecars: Sidecars) -> Path | None:
    """The report in a folder of its own, all of it on the disk; None where that cannot be."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="hubmaxact-report-", dir=place))
    except OSError:
        return None
    report = folder / REPORT_NAME
    try:
        with (
            made_beside(report, sidecars) as beside,
            written_aside({**beside, report: content}) as put_in_place,
        ):
            put_in_place()
    except WriteError:
        without_failing(folder.rmdir)
        return None
    return report


def _printed(content: bytes) -> bool:
    """Whether standard output took a report."""
    try:
        click.echo(content, nl=False)
        sys.stdout.flush()
    except (OSError, AttributeError):  # the second where it was closed before the start
        return False
    return True


def _shown(path: Path) -> str:
    return printable(str(path), LONGEST_PATH)
