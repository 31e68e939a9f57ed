"""Where sidecars lie: in a folder beside the report, named as that is without its suffix."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path, PurePath
from typing import TypeVar

from hubmaxact.files import WriteError, check_place, written_aside
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.report.deployment import SIDECARS, SidecarName
from hubmaxact.temporary_files import without_failing

AnyPath = TypeVar("AnyPath", bound=PurePath)

WITHOUT_SUFFIX = ".sidecars"
"""Behind the name of a report that has no suffix to lose."""

CHECKPOINT = (
    "config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "adapter_config.json",
)
"""Names that make a folder a checkpoint's; its loaders take every safetensors file for weights."""


def folder_of(report: AnyPath) -> AnyPath:
    """Return the folder of a report's sidecars.

    Args:
        report: Path of the report, on this machine or in a repository.

    Returns:
        A path beside it.
    """
    if report.suffix:
        return report.with_suffix("")
    return report.with_name(report.name + WITHOUT_SUFFIX)


def check_folder(report: Path, room: int = 0) -> None:
    """Refuse, before any long work, a report beside which no sidecars could be written.

    Args:
        report: Where the report is to go.
        room: Bytes that all of them will have at most.

    Raises:
        WriteError: Something else bears the folder's name, it may not be written, or there is no
            room.
    """
    folder = folder_of(report)
    _refuse_other(folder)
    check_place(folder / SIDECARS[0] if folder.is_dir() else folder, room)


@contextmanager
def made_beside(report: Path, sidecars: Mapping[SidecarName, bytes]) -> Iterator[dict[Path, bytes]]:
    """Make the folder of sidecars, which is taken away again where the block fails.

    Args:
        report: Where the report lies or will lie.
        sidecars: Contents by file name. Without any, no folder is made.

    Yields:
        Contents by the path that each is to have.

    Raises:
        WriteError: There can be no such folder.
    """
    folder = folder_of(report)
    if sidecars:  # without any, it is nobody's business here what bears the name
        _refuse_other(folder)
    with ExitStack() as undoing:
        if sidecars and not folder.is_dir():
            _make(folder)
            undoing.callback(without_failing, folder.rmdir)
        yield {folder / name: content for name, content in sidecars.items()}
        undoing.pop_all()


def write_beside(report: Path, sidecars: Mapping[SidecarName, bytes]) -> None:
    """Write sidecars beside a report, all of them or none.

    Args:
        report: Where the report lies or will lie.
        sidecars: Contents by file name.

    Raises:
        WriteError: They cannot be written; what was there before is still there.
    """
    with made_beside(report, sidecars) as beside, written_aside(beside) as put_in_place:
        put_in_place()


def keep_beside(report: Path, kept: Path) -> None:
    """Let sidecars follow a report that has been given another name.

    Args:
        report: What it was called.
        kept: What it is called now.

    Raises:
        WriteError: They cannot follow.
    """
    for name in SIDECARS:
        old, new = folder_of(report) / name, folder_of(kept) / name
        try:
            if old.is_file():
                new.parent.mkdir(exist_ok=True)
                old.rename(new)
        except OSError as error:
            raise WriteError(
                f"cannot keep {_shown(old)} as {_shown(new)}: {error.strerror}."
            ) from error


def take_back(report: Path, kept: Path) -> None:
    """Undo `keep_beside`, as far as that goes; nothing is lost where it does not.

    Args:
        report: What the report is called again.
        kept: What it was called meanwhile.
    """
    for name in SIDECARS:
        without_failing(partial((folder_of(kept) / name).rename, folder_of(report) / name))
    without_failing(folder_of(kept).rmdir)


def _make(folder: Path) -> None:
    try:
        folder.mkdir()
    except OSError as error:
        raise WriteError(f"cannot make the folder {_shown(folder)}: {error.strerror}.") from error


def _refuse_other(folder: Path) -> None:
    """Take no link, no file and no checkpoint for the folder."""
    advice = "Move it away, or give the report another name."
    try:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            found = "is no folder"
        elif any((folder / name).exists() for name in CHECKPOINT):
            found = "is a checkpoint, whose loaders would take them for weights"
        else:
            return
    except OSError as error:  # a name too long, a folder that may not be entered
        found = f"cannot be looked into: {error.strerror}"
    raise WriteError(
        f"the files beside the report belong in {_shown(folder)}, which {found}. {advice}"
    )


def _shown(path: Path) -> str:
    return printable(str(path), LONGEST_PATH)
