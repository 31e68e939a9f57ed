"""The page and its data as plain files, for any web server and for a static Space.

Everything is first written aside, in the folder itself; then the page's first file is taken away,
the rest put in place, and the first file put back. Whatever kills an export, there is the old one
whole, the new one whole, or one without its first file, which the page does not take for an export.
What is overwritten or removed is only what an earlier export made and nobody changed since. A git
clone stays one: what git keeps there is neither an export's nor in its way.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hubmaxact.catalog.store import locked
from hubmaxact.errors import HubmaxactError
from hubmaxact.files import WriteError, write_bytes
from hubmaxact.page import assets
from hubmaxact.page.export_manifest import (
    EXPORT_MANIFEST,
    ExportManifest,
    digest,
    digest_at,
    files_in,
)
from hubmaxact.page.json_bytes import encoded
from hubmaxact.page.page_data import PageData
from hubmaxact.page.static_readme import readme
from hubmaxact.printable import printable
from hubmaxact.temporary_files import PREFIX, is_temporary

FIRST = "data/about.json"
"""The file that the page reads first, and without which there is no export."""

ASIDE = f"{PREFIX}export"
"""Where the files are written first; the folder's lock says that nobody else is at it."""

GIT = (".git", ".gitattributes")
"""What a clone of a static Space holds besides the page."""

MOST_NAMED = 3


class ForeignFilesError(HubmaxactError):
    """Raised when a folder holds files that no export made, or that were changed since."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote."""

    num_files: int
    size: int  # bytes


def export(page_data: PageData, directory: Path) -> Exported:
    """Write the page and its data into a folder, which is made if need be.

    Args:
        page_data: What the page shows.
        directory: Where to; files of an earlier export there are replaced.

    Returns:
        How many files were written, and their size.

    Raises:
        ForeignFilesError: The folder holds what no export made; nothing was changed.
        BusyFolderError: Another export is writing there.
        WriteError: The folder cannot be written.
    """
    with locked(directory), _writing(directory):
        old = ExportManifest.read(directory)
        present = sorted(path for path in files_in(directory) if not _is_gits(path))
        _refuse_foreign(directory, [path for path in present if not old.made(directory, path)])
        _sweep(directory)
        aside = directory / ASIDE
        aside.mkdir()
        try:
            new, size = _write_aside(page_data, aside)
            _put_in_place(aside, directory, present, new)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return Exported(len(new.files) + 1, size)


def contents(page_data: PageData) -> Iterator[tuple[str, bytes]]:
    """Yield the path and the bytes of every file of an export."""
    for name in assets.names():
        yield name, assets.read(name)
    about = page_data.about("static")
    yield "README.md", readme(about["index"], about["version"])
    yield FIRST, encoded(about)
    yield "data/findings.json", encoded(page_data.findings())
    yield "data/table.json", encoded(page_data.table())
    for shard, releases in page_data.shards():
        yield f"data/releases/{shard}.json", encoded(releases)
    yield "download/all.csv", page_data.download("all", "csv")
    yield "download/all.parquet", page_data.download("all", "parquet")


def _is_gits(path: str) -> bool:
    return path.partition("/")[0] in GIT


def _refuse_foreign(directory: Path, foreign: Sequence[str]) -> None:
    if not foreign:
        return
    names = ", ".join(printable(path) for path in foreign[:MOST_NAMED])
    more = f" and {len(foreign) - MOST_NAMED:,} more" if len(foreign) > MOST_NAMED else ""
    raise ForeignFilesError(
        f"{directory} holds what no export made, or what was changed since: {names}{more}. "
        "Move it away, or choose another folder."
    )


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"cannot write into {directory}: {error.strerror}. "
            "Choose another folder, or free some space, and export again."
        ) from error


def _write_aside(page_data: PageData, aside: Path) -> tuple[ExportManifest, int]:
    digests, size = {}, 0
    for path, content in contents(page_data):
        place = aside / path
        place.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(place, content)
        digests[path] = digest(content)
        size += len(content)
    return ExportManifest(digests), size


def _put_in_place(
    aside: Path, directory: Path, present: Sequence[str], new: ExportManifest
) -> None:
    replaced = {
        path: digest_at(directory / path) or "" for path in present if path != EXPORT_MANIFEST
    }
    (directory / EXPORT_MANIFEST).parent.mkdir(exist_ok=True)
    # Old and new files are the export's from here on: the next one finishes what this one may not.
    write_bytes(directory / EXPORT_MANIFEST, replace(new, replacing=replaced).encoded())
    (directory / FIRST).unlink(missing_ok=True)
    for path in sorted(new.files.keys() - {FIRST}):
        place = directory / path
        place.parent.mkdir(parents=True, exist_ok=True)
        (aside / path).replace(place)
    for path in replaced.keys() - new.files.keys():
        (directory / path).unlink()
    write_bytes(directory / EXPORT_MANIFEST, new.encoded())
    (aside / FIRST).replace(directory / FIRST)


def _sweep(directory: Path) -> None:
    """Remove what exports that were killed left aside; the folder's lock says they are dead."""
    shutil.rmtree(directory / ASIDE, ignore_errors=True)
    for path in filter(is_temporary, directory.rglob(f"{PREFIX}*")):
        if path.is_file() and not _is_gits(path.relative_to(directory).as_posix()):
            path.unlink(missing_ok=True)
