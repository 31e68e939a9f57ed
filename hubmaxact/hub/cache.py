"""Repositories where the Hub may not be asked: what its cache on this machine holds of them.

Offline, a branch or tag stands for the commit that it pointed to when it was fetched. Reading goes
through `find_commit`, `find_file` and `find_names`, which ask the Hub unless HF_HUB_OFFLINE is set;
whoever writes to the Hub asks `repository` itself.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

from hubmaxact.errors import HubError
from hubmaxact.hub.client import RepoType, repo_name
from hubmaxact.hub.repository import (
    check_path,
    check_repo_id,
    download_file,
    is_commit,
    list_files,
    resolve_commit,
)
from hubmaxact.hub.retry import NoAnswerError
from hubmaxact.hub.safe_words import clean

MOST_NAMED = 5
LONGEST_REF = 100  # bytes; a commit has 40


def is_offline() -> bool:
    """Whether the environment forbids to ask the Hub, as HF_HUB_OFFLINE does."""
    return constants.is_offline_mode()


def find_commit(repo_id: str, revision: str | None = None, *, repo_type: RepoType = "model") -> str:
    """Find the commit that a branch, tag or commit stands for: now, or offline, when fetched.

    Args:
        repo_id: Repository ("owner/name").
        revision: Branch, tag or commit. None: main.
        repo_type: Whether `repo_id` is a model or a data set.

    Returns:
        40 hexadecimal digits; offline, something of that commit is in the cache.

    Raises:
        HubError: There is no such repository or revision, or not in the cache.
    """
    check_repo_id(repo_id)
    revision = revision or "main"
    folder = _folder(repo_id, repo_type)
    commit = _cached(folder, revision)
    if not is_offline():
        try:
            return resolve_commit(repo_id, revision, repo_type=repo_type)
        except NoAnswerError as error:
            if commit is None:
                raise
            held = f"files of it at {commit[:7]}, which are read with HF_HUB_OFFLINE=1."
            raise NoAnswerError(f"{error} The cache on this machine holds {held}") from error
    if commit is None:
        name = f"{repo_name(repo_id, repo_type)} at {clean(revision)}"
        raise HubError(f"{_absent(name)}{_others(folder)} {_way_out(repo_id, repo_type, revision)}")
    return commit


def find_names(repo_id: str, commit: str, *, repo_type: RepoType = "model") -> list[str]:
    """Return the paths of a repository's files; offline, of those in the cache.

    Args:
        repo_id: Repository ("owner/name").
        commit: 40 hexadecimal digits.
        repo_type: Whether `repo_id` is a model or a data set.

    Returns:
        Paths, sorted.

    Raises:
        HubError: They cannot be listed.
    """
    if not is_offline():
        return sorted(list_files(repo_id, commit, repo_type=repo_type))
    folder = cached_folder(repo_id, commit, repo_type=repo_type)
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def find_file(
    repo_id: str, commit: str, path: str, *, repo_type: RepoType = "model"
) -> Path | None:
    """Return where a file at a commit lies in the cache, fetched if need be and allowed.

    Args:
        repo_id: Repository ("owner/name").
        commit: 40 hexadecimal digits.
        path: Path in the repository.
        repo_type: Whether `repo_id` is a model or a data set.

    Returns:
        The file. None: the repository has no such file.

    Raises:
        HubError: It cannot be fetched or, offline, is not in the cache.
    """
    if not is_offline():
        return download_file(repo_id, commit, path, repo_type=repo_type)
    check_path(path)
    found = cached_folder(repo_id, commit, repo_type=repo_type) / path
    if not found.is_file():
        raise HubError(absent_file(repo_id, commit, path, repo_type=repo_type))
    return found


def remember(
    repo_id: str, revision: str | None, commit: str, *, repo_type: RepoType = "model"
) -> None:
    """Note what a branch or tag pointed to, so that its files are found by that name offline.

    Args:
        repo_id: Repository ("owner/name"), of which files at `commit` were fetched.
        revision: Branch, tag or commit that was asked for. None: main.
        commit: 40 hexadecimal digits.
        repo_type: Whether `repo_id` is a model or a data set.
    """
    revision = revision or "main"
    folder = _folder(repo_id, repo_type)
    if is_commit(revision) or not _is_plain(revision.split("/")):
        return
    if _ref(folder, revision) != commit and (folder / "snapshots" / commit).is_dir():
        note = folder / "refs" / revision
        # A cache that is not ours to write in serves all the same.
        with suppress(OSError):
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(commit, encoding="ascii")


def cached_folder(repo_id: str, commit: str, *, repo_type: RepoType = "model") -> Path:
    """Return the folder of a commit's files in the cache; it may lack some, or be missing."""
    check_repo_id(repo_id)
    return _folder(repo_id, repo_type) / "snapshots" / commit


def absent_file(repo_id: str, commit: str, path: str, *, repo_type: RepoType = "model") -> str:
    """Say that a file is not in the cache, and what to do.

    Args:
        repo_id: Repository ("owner/name").
        commit: 40 hexadecimal digits.
        path: Path in the repository.
        repo_type: Whether `repo_id` is a model or a data set.

    Returns:
        A sentence or two.
    """
    name = f"{clean(path)} of {repo_name(repo_id, repo_type)} at {commit[:7]}"
    return f"{_absent(name)}. {_way_out(repo_id, repo_type, commit)}"


def _absent(what: str) -> str:
    return f"HF_HUB_OFFLINE is set, and the Hub's cache on this machine does not hold {what}"


def _others(folder: Path) -> str:
    """What else of the repository could be asked for."""
    commits = sorted(p.name for p in folder.glob("snapshots/*") if is_commit(p.name) and p.is_dir())
    notes = (p for p in sorted(folder.glob("refs/**/*")) if p.is_file())
    refs = (p.relative_to(folder / "refs").as_posix() for p in notes)
    # A note may outlive the files; files that were asked for by their commit have none.
    named = [ref for ref in refs if _cached(folder, ref)] or commits
    return f", only {', '.join(map(clean, named[:MOST_NAMED]))}." if named else "."


def _way_out(repo_id: str, repo_type: RepoType, revision: str) -> str:
    kind = " --repo-type dataset" if repo_type == "dataset" else ""
    which = "" if revision == "main" else f" --revision {clean(revision)}"
    return (
        f"Fetch it where the network is with `hf download {repo_id}{kind}{which}`, or unset "
        "HF_HUB_OFFLINE."
    )


def _folder(repo_id: str, repo_type: RepoType) -> Path:
    name = repo_folder_name(repo_id=repo_id, repo_type=repo_type)
    return Path(constants.HF_HUB_CACHE) / name


def _cached(folder: Path, revision: str) -> str | None:
    """The commit that a revision was when files of it were fetched; None: there are none."""
    commit = revision if is_commit(revision) else _ref(folder, revision)
    return commit if commit and (folder / "snapshots" / commit).is_dir() else None


def _ref(folder: Path, revision: str) -> str | None:
    """The commit in the cache's note about a branch or tag; None where it has none."""
    if not _is_plain(revision.split("/")):
        return None
    try:
        with (folder / "refs" / revision).open("rb") as file:
            commit = file.read(LONGEST_REF).decode("ascii").strip()
    except (OSError, ValueError):
        return None
    return commit if is_commit(commit) else None


def _is_plain(parts: Iterable[str]) -> bool:
    """Whether a path leads nowhere but down."""
    return not {"", ".", ".."} & set(parts)
