"""The section and its pictures into a README's folder: planned first, written all or nothing."""

import hashlib
import os
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from hubmaxact.errors import ReadmeError
from hubmaxact.files import WriteError, read_regular, written_aside
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.publication.diff import file_diff
from hubmaxact.publication.readme.splicing import MAX_README_BYTES, edit
from hubmaxact.rendering.picture.pictures import FOLDER, pictures
from hubmaxact.rendering.section import HEADING, compose
from hubmaxact.report.document import MAX_REPORT_BYTES, REPORT_NAME, Report
from hubmaxact.report.write import digest
from hubmaxact.temporary_files import sweep, without_failing

README = "README.md"


class Change(NamedTuple):
    """One file, before and after."""

    path: Path
    before: bytes | None
    after: bytes


class Placement(NamedTuple):
    """What would be written, the pictures first, and what the README's owner should do by hand."""

    folder: Path  # the README's
    changes: tuple[Change, ...]
    advice: tuple[str, ...]


def check(folder: Path) -> None:
    """Refuse, before any long work, a folder that could not take report, picture and section.

    Args:
        folder: Where they are to lie.

    Raises:
        ReadmeError: There is no such folder, or its README cannot be edited without risk.
    """
    if not os.path.isdir(folder):  # noqa: PTH112 a name too long for a file system is none either
        name = printable(str(folder), LONGEST_PATH)
        raise ReadmeError(f"{name} is not a folder. Create it, or choose another.")
    _refuse_link(folder / FOLDER)
    _refuse_link(folder / REPORT_NAME)
    edit(_content(folder / README), HEADING)


def plan(report: Report, readme: Path, sha256: str | None = None) -> Placement:
    """Say what placing the section in `readme` changes; a missing README is a new one.

    Args:
        report: The report that the section is about.
        readme: File that the section goes into; report and picture are beside it.
        sha256: Digest of the report's file, as hex. None: of the one that `write_report` makes.

    Returns:
        What would be written.

    Raises:
        ReadmeError: The README cannot be read, or not be edited without risk.
    """
    _refuse_link(readme.parent / FOLDER)
    if readme.suffix.lower() == ".json":  # a report, say, which a section would spoil
        name = printable(str(readme), LONGEST_PATH)
        raise ReadmeError(f"{name} is no README, by its name. Name a file of Markdown.")
    before = _content(readme)
    sha256 = sha256 or digest(report)
    edited = edit(before, compose(report, sha256))
    drawn = [(readme.parent / each.path, each.svg(report)) for each in pictures(report)]
    wanted = (
        *(Change(path, _content(path), svg.encode("utf-8")) for path, svg in drawn),
        Change(readme, before, edited.content),
    )
    advice = (*edited.advice, *_on_the_report(readme.parent / REPORT_NAME, sha256))
    return Placement(readme.parent, tuple(c for c in wanted if c.before != c.after), advice)


def write(placement: Placement) -> None:
    """Write the changes, all or none, and remove what a run that was killed has left there.

    The README comes last, so that it never names a missing picture.

    Args:
        placement: What is to be written.

    Raises:
        WriteError: A file cannot be written; what was there before is still there.
    """
    for folder in (placement.folder, placement.folder / FOLDER):
        sweep(folder)
    with ExitStack() as undoing:
        for change in placement.changes:
            _make_folder(change.path.parent, undoing)
        with written_aside({each.path: each.after for each in placement.changes}) as put_in_place:
            put_in_place()
        undoing.pop_all()


def diff(placement: Placement) -> bytes:
    """Return the changes as a unified diff, paths relative to the README's folder."""
    return b"".join(file_diff(_name(c.path), c.before, c.after) for c in placement.changes)


def _make_folder(folder: Path, undoing: ExitStack) -> None:
    """Make a folder where there is none; `undoing` takes it away."""
    if folder.is_dir():
        return
    try:
        folder.mkdir()
    except OSError as error:
        name = printable(str(folder), LONGEST_PATH)
        raise WriteError(f"cannot make the folder {name}: {error.strerror}.") from error
    undoing.callback(without_failing, folder.rmdir)


def _on_the_report(file: Path, sha256: str) -> tuple[str, ...]:
    """Advice where the file that the section leads to is not the one whose digest it names."""
    try:
        content = read_regular(file, MAX_REPORT_BYTES + 1)
    except OSError:
        found = f"there is no {REPORT_NAME} that can be read"
    else:
        if hashlib.sha256(content).hexdigest() == sha256:
            return ()
        found = f"{REPORT_NAME} is another file"
    where = printable(str(file.parent), LONGEST_PATH)
    return (f"In {where} {found}: put the report there, because the section leads to it.",)


def _name(path: Path) -> str:
    return f"{FOLDER}/{path.name}" if path.parent.name == FOLDER else path.name


def _content(path: Path) -> bytes | None:
    _refuse_link(path)
    name = printable(str(path), LONGEST_PATH)
    try:
        content = read_regular(path, MAX_README_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        advice = f" Name the file in it, such as {name}/{README}." if path.is_dir() else ""
        raise ReadmeError(f"cannot read {name}: {error.strerror}.{advice}") from error
    if len(content) > MAX_README_BYTES:
        raise ReadmeError(
            f"{name} has more than {MAX_README_BYTES:,} bytes. Shorten it, or move it away."
        )
    return content


def _refuse_link(path: Path) -> None:
    """Write through no link: what it leads to may be shared, as in the Hub client's cache."""
    if path.is_symlink():
        name = printable(str(path), LONGEST_PATH)
        raise ReadmeError(f"{name} is a symbolic link. Name the file that it leads to, or copy it.")
