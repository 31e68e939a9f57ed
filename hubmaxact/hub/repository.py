"""Reading a repository, of a model or a data set: its commit, its files, and their bytes.

Everything is read at a commit, so that what was compared is what was read. Knows nothing of what
files hold.
"""

import re
from itertools import islice
from pathlib import Path
from typing import TypeGuard

from huggingface_hub import RepoFile, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import get_session, hf_raise_for_status, httpx, validate_repo_id

from hubmaxact.errors import HubError
from hubmaxact.hub.client import RepoType, api, headers, repo_name
from hubmaxact.hub.hub_file import HubFile, checked_file
from hubmaxact.hub.meant_id import meant
from hubmaxact.hub.retry import ask
from hubmaxact.hub.safe_words import clean
from hubmaxact.printable import LONGEST_PATH, printable, without_secret

COMMIT = re.compile("[0-9a-f]{40}")
MOST_FILES = 100_000  # as many as the Hub advises for a whole repository
SMALLER: dict[RepoType, str] = {
    "model": "Use a repository that holds the checkpoint alone.",
    "dataset": "Name the one file of it that is wanted.",
}


class DamagedAnswerError(HubError):
    """Raised when what the Hub sends is not what it says it has."""


def check_repo_id(repo_id: str) -> None:
    """Refuse what cannot be a repository's name, before it becomes part of a URL."""
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        shown = printable(without_secret(repo_id), LONGEST_PATH)
        raise HubError(
            f"'{shown}' is not a repository id. Write it as {meant(repo_id)}."
        ) from error


def check_path(path: str) -> None:
    """Refuse what cannot be a file's path in a repository, before it becomes part of another."""
    if {"", ".", ".."} & set(path.split("/")):
        raise HubError(f"{clean(path)!r} is not the path of a file. Write it as folder/file.")


def is_commit(revision: object) -> TypeGuard[str]:
    """Whether a revision is a commit by its whole name, which nothing can move."""
    return isinstance(revision, str) and COMMIT.fullmatch(revision) is not None


def resolve_commit(
    repo_id: str, revision: str | None = None, *, repo_type: RepoType = "model"
) -> str:
    """Find the commit that a branch, tag or commit stands for now.

    Args:
        repo_id: Repository ("owner/name").
        revision: Branch, tag or commit. None: main.
        repo_type: Whether `repo_id` is a model or a data set.

    Returns:
        40 hexadecimal digits.

    Raises:
        HubError: There is no such repository or revision, or the Hub does not say.
    """
    check_repo_id(repo_id)
    revision = revision or "main"
    commit = ask(
        lambda: api().repo_info(repo_id, revision=revision, repo_type=repo_type).sha,
        repo_id=repo_id,
        revision=revision,
        repo_type=repo_type,
    )
    if not is_commit(commit):
        name = repo_name(repo_id, repo_type)
        raise HubError(f"the Hub names no commit for {revision} of {name}. Try again later.")
    return commit


def list_files(repo_id: str, commit: str, *, repo_type: RepoType = "model") -> dict[str, HubFile]:
    """Every file at `commit`, by path.

    Args:
        repo_id: Repository ("owner/name").
        commit: 40 hexadecimal digits.
        repo_type: Whether `repo_id` is a model or a data set.

    Returns:
        Sizes in bytes and digests, by path; folders are left out.

    Raises:
        HubError: There are more than anybody's repository has, or they cannot be listed.
    """
    files, is_all = ask(
        lambda: _tree(repo_id, commit, repo_type),
        repo_id=repo_id,
        revision=commit,
        repo_type=repo_type,
    )
    if not is_all:
        raise HubError(
            f"the Hub lists more than {MOST_FILES:,} files in {repo_name(repo_id, repo_type)} at "
            f"{commit[:7]}, which are not read. {SMALLER[repo_type]}"
        )
    return files


def files_at(repo_id: str, revision: str, paths: list[str]) -> dict[str, HubFile] | None:
    """Those of `paths` that `revision` has; None if there is no such revision."""
    return ask(lambda: _files_at(repo_id, revision, paths), repo_id=repo_id, revision=revision)


def read_file(repo_id: str, commit: str, path: str, *, limit: int) -> bytes | None:
    """The bytes of one file at `commit`.

    Args:
        repo_id: Model repository ("owner/name").
        commit: 40 hexadecimal digits.
        path: Path in the repository.
        limit: Bytes that it may have.

    Returns:
        The whole content. None: there is no such file.

    Raises:
        HubError: The file is larger than `limit` bytes, or cannot be read.
    """
    check_repo_id(repo_id)
    url = hf_hub_url(repo_id, path, revision=commit)
    return ask(lambda: _read(url, path, limit), repo_id=repo_id, revision=commit)


def read_listed(repo_id: str, commit: str, file: HubFile, *, limit: int) -> bytes:
    """The bytes of one file at `commit`, held against the digest that the Hub lists.

    Args:
        repo_id: Model repository ("owner/name").
        commit: 40 hexadecimal digits.
        file: The file as it is listed at that commit.
        limit: Bytes that it may have.

    Returns:
        The whole content.

    Raises:
        DamagedAnswerError: Something else arrived, or nothing.
        HubError: The file is larger than `limit` bytes, or cannot be read.
    """
    content = read_file(repo_id, commit, file.path, limit=limit)
    if content is None or not file.holds(content):
        raise DamagedAnswerError(f"{clean(file.path)} arrived damaged. Try again later.")
    return content


def download_file(
    repo_id: str, commit: str, path: str, *, repo_type: RepoType = "model"
) -> Path | None:
    """One file at `commit`, in the local cache.

    What is in the cache is not asked for again, so it is there offline too.

    Args:
        repo_id: Repository ("owner/name").
        commit: 40 hexadecimal digits.
        path: Path in the repository.
        repo_type: Whether `repo_id` is a model or a data set.

    Returns:
        Where it lies in the cache. None: the repository has no such file.

    Raises:
        HubError: The file cannot be fetched or stored, or `path` leads out of a repository.
    """
    check_repo_id(repo_id)
    check_path(path)
    return ask(
        lambda: _download(repo_id, commit, path, repo_type),
        repo_id=repo_id,
        revision=commit,
        repo_type=repo_type,
    )


def _tree(repo_id: str, commit: str, repo_type: RepoType) -> tuple[dict[str, HubFile], bool]:
    """The files of a tree, and whether these are all: pages may follow each other for ever."""
    entries = api().list_repo_tree(repo_id, revision=commit, recursive=True, repo_type=repo_type)
    listed = list(islice(entries, MOST_FILES + 1))
    files = [_hub_file(entry) for entry in listed if isinstance(entry, RepoFile)]
    return {file.path: file for file in files}, len(listed) <= MOST_FILES


def _hub_file(entry: RepoFile) -> HubFile:
    sha256 = entry.lfs.sha256 if entry.lfs else None
    return checked_file(entry.path, entry.size, entry.blob_id, sha256)


def _files_at(repo_id: str, revision: str, paths: list[str]) -> dict[str, HubFile] | None:
    try:
        entries = api().get_paths_info(repo_id, paths, revision=revision)
    except RevisionNotFoundError:
        return None
    return {entry.path: _hub_file(entry) for entry in entries if isinstance(entry, RepoFile)}


def _download(repo_id: str, commit: str, path: str, repo_type: RepoType) -> Path | None:
    cached = try_to_load_from_cache(repo_id, path, revision=commit, repo_type=repo_type)
    if isinstance(cached, str):
        return Path(cached)
    try:
        # Asked by itself, it fails at once; a download asks five times and waits without a word.
        url = hf_hub_url(repo_id, path, revision=commit, repo_type=repo_type)
        api().get_hf_file_metadata(url=url)
        return Path(api().hf_hub_download(repo_id, path, revision=commit, repo_type=repo_type))
    except RemoteEntryNotFoundError:
        return None


def _read(url: str, path: str, limit: int) -> bytes | None:
    # Uncompressed, so that the length announced is the length read.
    plain = {**headers(), "Accept-Encoding": "identity"}
    with get_session().stream("GET", url, headers=plain) as response:
        try:
            hf_raise_for_status(response)
        except EntryNotFoundError:
            return None
        except (RepositoryNotFoundError, RevisionNotFoundError):
            raise
        except HfHubHTTPError:
            if response.status_code == 404:  # it does not say what is missing: the file, surely
                return None
            raise
        return _take(response, path, limit)


def _take(response: httpx.Response, path: str, limit: int) -> bytes:
    announced = response.headers.get("Content-Length", "0")
    content = bytearray()
    if int(announced) <= limit:
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > limit:
                break
        else:
            return bytes(content)
    raise HubError(f"{path} is larger than {limit:,} bytes on the Hub. Nothing was read from it.")
