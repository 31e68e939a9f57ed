"""A report's sidecars where the report was found: by name, held to the size and digest it tells."""

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath

from hubmaxact.errors import HubmaxactError
from hubmaxact.files import is_lfs_pointer, read_regular
from hubmaxact.printable import LONGEST_PATH, counted, printable
from hubmaxact.report.deployment import Sidecar, SidecarName
from hubmaxact.report.document import Report
from hubmaxact.report.source import Found
from hubmaxact.sidecars.own_folder import folder_of


class SidecarError(HubmaxactError):
    """Raised when a file beside a report is not the one that it names, or cannot be read."""


class MissingSidecarError(SidecarError):
    """Raised when a file is needed that a report names, or should name, and that is not there."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The place of a report's sidecars.

    Attributes:
        found: Where the report was. None: it came from memory.
    """

    found: Found | None

    def read(self, row: Sidecar) -> bytes | None:
        """Return the file that a report names.

        Args:
            row: Of the report.

        Returns:
            Its content, with the digest that the row has. None: there is no such file.

        Raises:
            SidecarError: Another file is there, or it cannot be read.
            HubError: The repository cannot be read.
        """
        content = self._content(row)
        if content is not None:
            _refuse_other(row, len(content), hashlib.sha256(content).hexdigest(), content)
        return content

    def is_there(self, row: Sidecar) -> bool:
        """Whether the file lies there that a report names; on the Hub, without fetching it.

        Args:
            row: Of the report.

        Returns:
            False where there is no file of that name.

        Raises:
            SidecarError: Another file is there, or it cannot be read.
            HubError: The repository cannot be read.
        """
        found = self.found
        if found is None or found.repo_id is None or _is_offline():
            return self.read(row) is not None
        listed = _listed(found, row)
        if listed is not None and listed[1] is None:  # the Hub knows the digest of LFS files only
            return self.read(row) is not None
        return listed is not None

    def _content(self, row: Sidecar) -> bytes | None:
        """At most one byte more than the row says."""
        found = self.found
        if found is None:
            return None
        if found.file is not None:
            return _in_folder(found, row)
        if found.repo_id is not None:
            return _in_cache(found, row) if _is_offline() else _on_the_hub(found, row)
        return None


def present(report: Report, found: Found | None) -> list[Sidecar]:
    """Return the rows of those files that lie beside a report.

    Args:
        report: Any.
        found: Where it was found. None: it came from memory, and nothing lies beside it.

    Returns:
        Rows of the report; the files have its digests.

    Raises:
        SidecarError: One of the files is another, or cannot be read.
        HubError: The repository cannot be read.
    """
    return [row for row in report.get("sidecars", ()) if Beside(found).is_there(row)]


def read_present(report: Report, found: Found | None) -> dict[SidecarName, bytes]:
    """Return the files that lie beside a report.

    Args:
        report: Any.
        found: As in `present`.

    Returns:
        Contents by file name; they have the report's digests.

    Raises:
        SidecarError: As `present`.
        HubError: As `present`.
    """
    read = {row["name"]: Beside(found).read(row) for row in report.get("sidecars", ())}
    return {name: content for name, content in read.items() if content is not None}


def _in_folder(found: Found, row: Sidecar) -> bytes | None:
    assert found.file is not None
    path = folder_of(found.file) / row["name"]
    try:
        return read_regular(path, row["size"] + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        shown = printable(str(path), LONGEST_PATH)
        raise SidecarError(f"cannot read {shown}: {error.strerror}.") from error


def _is_offline() -> bool:
    from hubmaxact.hub import cache

    return cache.is_offline()


def _in_cache(found: Found, row: Sidecar) -> bytes | None:
    from hubmaxact.hub import cache

    repo_id, commit, path = _place(found, row)
    try:
        return read_regular(cache.cached_folder(repo_id, commit) / path, row["size"] + 1)
    except OSError:  # the cache holds what was asked for before, and no more
        return None


def _on_the_hub(found: Found, row: Sidecar) -> bytes | None:
    from hubmaxact.hub import repository

    if _listed(found, row) is None:
        return None
    repo_id, commit, path = _place(found, row)
    return repository.read_file(repo_id, commit, path, limit=row["size"])


def _listed(found: Found, row: Sidecar) -> tuple[int, str | None] | None:
    """Size and, in LFS, digest as the Hub lists them; one of another size is fetched in vain."""
    from hubmaxact.hub import repository

    repo_id, commit, path = _place(found, row)
    file = (repository.files_at(repo_id, commit, [path]) or {}).get(path)
    if file is None:
        return None
    _refuse_other(row, file.size, file.sha256 or row["sha256"])
    return file.size, file.sha256


def _place(found: Found, row: Sidecar) -> tuple[str, str, str]:
    assert found.repo_id is not None
    assert found.commit is not None
    assert found.path is not None
    return found.repo_id, found.commit, str(folder_of(PurePosixPath(found.path)) / row["name"])


def _refuse_other(row: Sidecar, size: int, sha256: str, content: bytes = b"") -> None:
    if is_lfs_pointer(content):
        raise SidecarError(
            f"a Git LFS pointer stands in the place of {row['name']}. Run `git lfs pull`."
        )
    if (size, sha256) == (row["size"], row["sha256"]):
        return
    if size == row["size"]:
        differs = f"its sha256 is {printable(sha256[:12])}, and in the report {row['sha256'][:12]}"
    else:
        differs = f"it has {'more' if size > row['size'] else 'less'} than "
        differs += counted(row["size"], "byte")
    raise SidecarError(
        f"the {row['name']} beside the report is not the one that it names: {differs}. It is of "
        "another run, or was changed; take both from one measurement."
    )
