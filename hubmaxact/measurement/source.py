"""From what the user named to a checkpoint folder: local, or downloaded at a commit."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hubmaxact.errors import HubError, OptionsError
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles, inspect
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.recognition.cached import Cached
from hubmaxact.recognition.folder import Folder
from hubmaxact.recognition.own_code import OwnCode
from hubmaxact.recognition.place import find_hub_commit, local_folder
from hubmaxact.recognition.recognize import recognize
from hubmaxact.recognition.weights import left_aside

LOG = logging.getLogger(__name__)  # warnings reach standard error without further ado


@dataclass(frozen=True, slots=True)
class Source:
    """A checkpoint folder and where it came from."""

    folder: Path
    model_id: str | None = None
    revision: str | None = None
    commit: str | None = None
    base: "Source | None" = None  # what it is merged into, if it is an adapter
    code: OwnCode | None = None  # what of its own code is to be run

    @property
    def name(self) -> str | None:
        """How sentences call it: by its Hub id; None leaves a folder its own name."""
        return None if self.commit is None else self.model_id


def resolve_source(
    checkpoint: str | Path,
    *,
    revision: str | None = None,
    model_id: str | None = None,
    trust_remote_code: bool = False,
) -> Source:
    """Take a local folder as it is; resolve a Hub id to a commit before anything else.

    Args:
        checkpoint: Folder of a checkpoint, or a Hub id ("owner/name"). A `Path` is always a folder.
        revision: Branch, tag or commit of a Hub id. None: main.
        model_id: Hub id to record for a local folder.
        trust_remote_code: Whether the checkpoint's own code is to be run where nothing does without
            it. It is fetched, and not run here.

    Returns:
        The folder, in the cache if the checkpoint is on the Hub.

    Raises:
        OptionsError: Code is trusted, and not that of one commit of a repository.
        UnconfinedError: Code is needed, and cannot be kept from network and files here.
        NoCheckpointError: It is neither a folder nor a Hub id, a folder was given a revision, or
            what lies there is no checkpoint. Of an adapter, `AdapterFoundError`.
        HubError: The repository or the revision cannot be read; offline, it is not in the cache.
        UnsafeCheckpointError: Its weights are pickles or quantized, or it needs code.
        IncompleteWeightsError: Files are missing, or Git LFS pointers stand in their place.
    """
    from hubmaxact.measurement.checkpoint.download import download_checkpoint

    if not trust_remote_code:
        return _resolve(checkpoint, revision, model_id, download_checkpoint)
    _require_commit(checkpoint, revision)

    def fetch(repo_id: str, commit: str) -> Path:
        if commit != revision:  # a branch may have any name
            raise HubError(f"the Hub answers {commit} for {revision} of {repo_id}.")
        return download_checkpoint(repo_id, commit, trust_remote_code=True)

    source = _resolve(checkpoint, revision, model_id, fetch)
    return replace(source, code=_code(str(checkpoint).removesuffix("/"), source))


def describe_source(
    checkpoint: str | Path, *, revision: str | None = None, model_id: str | None = None
) -> tuple[Source, WeightFiles]:
    """Resolve what the user named and look at its files, and fetch no weights.

    Args:
        checkpoint: As `resolve_source`.
        revision: Likewise.
        model_id: Likewise.

    Returns:
        The folder, which holds the weights only where they were here already; and the weights by
        header.

    Raises:
        HubmaxactError: As `resolve_source` and `inspect`.
    """
    from hubmaxact.measurement.checkpoint.download import describe_checkpoint

    described: list[WeightFiles] = []

    def fetch(repo_id: str, commit: str) -> Path:
        described.append(describe_checkpoint(repo_id, commit))
        return described[0].folder

    source = _resolve(checkpoint, revision, model_id, fetch)
    return source, described[0] if described else inspect(source.folder, source.name)


def _require_commit(checkpoint: str | Path, revision: str | None) -> None:
    """Refuse code that nothing pins, before anything is fetched."""
    from hubmaxact.hub.repository import is_commit

    if (folder := local_folder(checkpoint, None)) is not None:
        raise OptionsError(
            f"{printable(str(folder), LONGEST_PATH)} is a local folder, which has no commit, and "
            "--trust-remote-code runs code of one commit of a Hub repository. Upload the folder, "
            "and give OWNER/NAME and --revision."
        )
    if not is_commit(revision):
        found = "none" if revision is None else printable(revision)
        raise OptionsError(
            "--trust-remote-code needs a full commit hash as --revision, 40 hexadecimal digits, "
            f"found {found}: what a branch, a tag or a short hash leads to may be other code "
            "tomorrow. Look the commit up in the repository's history."
        )


def _code(repo_id: str, source: Source) -> OwnCode | None:
    from hubmaxact.hub.cache import is_offline
    from hubmaxact.measurement.checkpoint.own_code import own_code

    assert source.commit is not None
    here = Cached(repo_id, source.commit) if is_offline() else Folder(source.folder, repo_id)
    return own_code(here, recognize(here).config)


Fetch = Callable[[str, str], Path]


def _resolve(
    checkpoint: str | Path, revision: str | None, model_id: str | None, fetch: Fetch
) -> Source:
    from hubmaxact.hub.repository import check_repo_id

    if model_id is not None:
        check_repo_id(model_id)
    if (folder := local_folder(checkpoint, revision)) is not None:
        return _local(folder, model_id)
    return _downloaded(str(checkpoint).removesuffix("/"), revision, model_id, fetch)


def _local(path: Path, model_id: str | None) -> Source:
    listing = Folder(path)
    if words := left_aside(listing.name, recognize(listing).weights.beside):
        LOG.warning(words)
    return Source(path, model_id=model_id)


def _downloaded(repo_id: str, revision: str | None, model_id: str | None, fetch: Fetch) -> Source:
    from hubmaxact.hub.cache import is_offline, remember
    from hubmaxact.measurement.checkpoint.download import cached_checkpoint

    commit = find_hub_commit(repo_id, revision)
    folder = (cached_checkpoint if is_offline() else fetch)(repo_id, commit)
    remember(repo_id, revision, commit)
    return Source(folder, model_id or repo_id, revision or "main", commit)
