"""An index in a public data set on the Hub, read at a commit that is fixed first.

What was good is kept on disk, so that a start without the Hub shows it. No token is ever sent.
"""

import json
import shutil
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

from huggingface_hub import RepoFile, constants
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.utils import (
    build_hf_headers,
    get_session,
    hf_raise_for_status,
    parse_datetime,
)
from index_copies import BrokenIndexError, IndexCopy, said, whole_index

from hubmaxact import __version__
from hubmaxact.catalog.manifest import MAX_INDEX_FILE_BYTES
from hubmaxact.catalog.store import INDEX, MANIFEST
from hubmaxact.errors import HubError
from hubmaxact.files import write_bytes
from hubmaxact.hub.client import LIBRARY, api
from hubmaxact.hub.repository import is_commit
from hubmaxact.hub.retry import ask

LAST_GOOD = "last-good.json"
FILES = (INDEX, MANIFEST)


class HubSource:
    """A data set with a catalog's two files at its top level."""

    def __init__(self, repo_id: str, revision: str) -> None:
        self._repo_id = repo_id
        self._revision = revision
        self._name = f"datasets/{repo_id}"
        place = quote(f"{repo_id}@{revision}", safe="@")
        self._cache = Path(constants.HF_HOME) / LIBRARY / "index" / place

    def kept(self) -> IndexCopy | None:
        """Return the copy that an earlier run kept, if it is still whole."""
        try:
            words = json.loads((self._cache / LAST_GOOD).read_bytes())
            commit, built = str(words["commit"]), str(words["built"])
            if not is_commit(commit):
                return None
            return IndexCopy(whole_index(self._cache / commit), self._origin(commit), built)
        except (OSError, ValueError, LookupError, TypeError, BrokenIndexError):
            return None  # as good as none: the Hub is asked next

    def newest(self, known: IndexCopy | None) -> IndexCopy | None:
        """Return the index that the revision stands for now; None if `known` is it.

        Raises:
            HubError: the Hub refuses, gives no usable answer, or has no such files.
            BrokenIndexError: they are not an index that this version can read.
        """
        commit = self._resolve()
        if known and known.origin == self._origin(commit):
            return None
        folder = self._cache / commit
        self._download(commit, folder)
        return IndexCopy(whole_index(folder), self._origin(commit), self._date(commit))

    def keep(self, copy: IndexCopy) -> None:
        """Name this copy as the last good one, and drop the others.

        Raises:
            WriteError: the cache cannot be written.
        """
        commit = copy.origin.rpartition("@")[2]
        words = {"commit": commit, "built": copy.built}
        write_bytes(self._cache / LAST_GOOD, json.dumps(words).encode())
        for folder in self._cache.iterdir():
            if folder.is_dir() and folder.name != commit:
                shutil.rmtree(folder, ignore_errors=True)

    def _origin(self, commit: str) -> str:
        return f"{self._repo_id}@{commit}"

    def _resolve(self) -> str:
        commit = ask(self._commit, repo_id=self._name, revision=self._revision)
        if not is_commit(commit):
            raise HubError(f"the Hub names no commit for {self._revision} of {self._name}.")
        return commit

    def _commit(self) -> str | None:
        try:
            info = api().dataset_info(
                self._repo_id,
                revision=self._revision,
                expand=["sha"],
                token=False,
            )
        except RepositoryNotFoundError as error:
            raise HubError(f"{self._name} is not a public data set on the Hub.") from error
        return info.sha

    def _date(self, commit: str) -> str:
        """When the commit was made; the repository's own date moves with any branch."""
        url = f"{constants.ENDPOINT}/api/{self._name}/commits/{commit}"
        headers = build_hf_headers(token=False, library_name=LIBRARY, library_version=__version__)

        def date() -> datetime:
            response = get_session().get(url, headers=headers)
            hf_raise_for_status(response)
            return parse_datetime(response.json()[0]["date"])  # the newest stands first

        return said(ask(date, repo_id=self._name, revision=commit))

    def _download(self, commit: str, folder: Path) -> None:
        sizes = ask(lambda: self._sizes(commit), repo_id=self._name, revision=commit)
        for file in FILES:
            if not 0 < sizes.get(file, 0) <= MAX_INDEX_FILE_BYTES:
                raise HubError(f"{self._name} has no usable {file} at {commit[:7]}.")
        for file in FILES:
            fetch = partial(self._fetch, file, commit, folder)
            ask(fetch, repo_id=self._name, revision=commit)

    def _fetch(self, file: str, commit: str, folder: Path) -> str:
        return api().hf_hub_download(
            self._repo_id,
            file,
            revision=commit,
            repo_type="dataset",
            local_dir=folder,
            force_download=True,  # what lies there is asked for because it is not whole
            token=False,
        )

    def _sizes(self, commit: str) -> dict[str, int]:
        entries = api().get_paths_info(
            self._repo_id, list(FILES), revision=commit, repo_type="dataset", token=False
        )
        return {entry.path: entry.size for entry in entries if isinstance(entry, RepoFile)}
