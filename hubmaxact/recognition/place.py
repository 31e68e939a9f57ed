"""What a checkpoint's name leads to: a folder here, or a repository on the Hub."""

import os
from pathlib import Path

from hubmaxact.errors import HubError, HubmaxactError, NoCheckpointError
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.recognition.folder import Folder, not_here
from hubmaxact.recognition.listing import Listing
from hubmaxact.recognition.recognize import what_file


def local_folder(checkpoint: str | Path, revision: str | None) -> Path | None:
    """Tell whether a name is a folder's.

    Args:
        checkpoint: Folder of a checkpoint, or a Hub id ("owner/name"). A `Path` is always a folder.
        revision: Branch, tag or commit, which a folder has not.

    Returns:
        The folder. None: a Hub id is meant.

    Raises:
        NoCheckpointError: It is a file, empty, no folder that is here, or has a revision.
    """
    path, name = Path(checkpoint), str(checkpoint)
    if not name:  # a variable that is not set; the folder here is called "."
        raise NoCheckpointError(
            "the name of the checkpoint is empty. Give its folder, or a Hub id."
        )
    if os.path.isdir(path):  # noqa: PTH112 a name too long for a file system is no folder either
        if revision is not None:
            raise NoCheckpointError(
                f"{name} is a local folder, which has no revisions. Leave --revision out."
            )
        return path
    if os.path.exists(path):  # noqa: PTH110
        raise _file(path)
    if isinstance(checkpoint, Path) or name.startswith((".", "/", "~")):
        raise NoCheckpointError(
            f"{printable(name, LONGEST_PATH)} is not a folder. Give the folder of a checkpoint, or "
            f"a Hub id. {not_here(name)}"
        )
    return None


def find_hub_commit(repo_id: str, revision: str | None) -> str:
    """Find the commit of a repository whose name might have been meant as a folder.

    Args:
        repo_id: Repository ("owner/name").
        revision: Branch, tag or commit. None: main.

    Returns:
        40 hexadecimal digits.

    Raises:
        HubError: There is no such repository or revision; the message says what is not here too.
    """
    from hubmaxact.hub.cache import find_commit

    try:
        return find_commit(repo_id, revision)
    except HubError as error:
        raise HubError(f"{error} {not_here(repo_id)}") from error


def find_place(checkpoint: str | Path, revision: str | None = None) -> Listing:
    """Return the files that a checkpoint's name leads to; none of them is fetched.

    Args:
        checkpoint: As for `local_folder`.
        revision: Branch, tag or commit of a Hub id. None: main.

    Returns:
        A folder, a repository at a commit, or offline what the cache holds of it.

    Raises:
        NoCheckpointError: It is neither.
        HubError: The repository or the revision cannot be read; offline, it is not in the cache.
    """
    from hubmaxact.hub.cache import is_offline
    from hubmaxact.recognition.cached import Cached
    from hubmaxact.recognition.repository import Repository

    if (folder := local_folder(checkpoint, revision)) is not None:
        return Folder(folder)
    repo_id = str(checkpoint).removesuffix("/")
    commit = find_hub_commit(repo_id, revision)
    return Cached(repo_id, commit) if is_offline() else Repository(repo_id, commit)


def _file(path: Path) -> HubmaxactError:
    """Why a file is refused: by what it is, where its name says so."""
    known = what_file(Folder(path.parent, printable(path.name)), path.name)
    shown = printable(str(path), LONGEST_PATH)
    return known or NoCheckpointError(
        f"{shown} is a file, not a folder. Give the folder of the checkpoint that it belongs to."
    )
