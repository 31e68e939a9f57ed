"""From what the user named to a checkpoint folder: local, or downloaded at a commit.

An adapter comes with its base: both are looked at by header before weights of either are fetched.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hubmaxact.adapters.config import AdapterConfig
from hubmaxact.errors import HubmaxactError, OptionsError
from hubmaxact.measurement.checkpoint.adapter_base import Base, base_of, without_base
from hubmaxact.measurement.checkpoint.adapter_files import read_config, with_adapter
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles, inspect
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.recognition.adapter import AdapterFoundError, refuse_adapter
from hubmaxact.recognition.folder import Folder
from hubmaxact.recognition.listing import Listing
from hubmaxact.recognition.place import find_hub_commit, find_place, local_folder
from hubmaxact.recognition.recognize import recognize
from hubmaxact.recognition.weights import left_aside

LOG = logging.getLogger(__name__)  # warnings reach standard error without further ado


@dataclass(frozen=True, slots=True)
class Source:
    """A checkpoint folder and where it came from; of an adapter, its base too."""

    folder: Path
    model_id: str | None = None
    revision: str | None = None
    commit: str | None = None
    base: "Source | None" = None

    @property
    def name(self) -> str | None:
        """How sentences call it: by its Hub id; None leaves a folder its own name."""
        return None if self.commit is None else self.model_id


def resolve_source(
    checkpoint: str | Path,
    *,
    revision: str | None = None,
    model_id: str | None = None,
    base: str | Path | None = None,
) -> Source:
    """Take a local folder as it is; resolve a Hub id to a commit before anything else.

    Args:
        checkpoint: Folder of a checkpoint or of an adapter, or a Hub id ("owner/name"). A `Path` is
            always a folder.
        revision: Branch, tag or commit of a Hub id. None: main.
        model_id: Hub id to record for a local folder.
        base: What an adapter is merged into: a folder, or a Hub id ("owner/name@revision" too).
            None: what it names itself.

    Returns:
        The folder, in the cache if the checkpoint is on the Hub.

    Raises:
        NoCheckpointError: It is neither a folder nor a Hub id, a folder was given a revision, or
            what lies there is no checkpoint.
        HubError: The repository or the revision cannot be read; offline, it is not in the cache.
        UnsafeCheckpointError: Its weights are pickles or quantized, or it needs code.
        IncompleteWeightsError: Files are missing, or Git LFS pointers stand in their place.
        AdapterError: It is an adapter that cannot be merged, or whose base cannot be had.
        OptionsError: It is no adapter, and a base was named.
    """
    from hubmaxact.measurement.checkpoint.download import download_checkpoint

    if base is None:
        try:
            return _resolve(checkpoint, revision, model_id, download_checkpoint)
        except AdapterFoundError:  # it is measured with its base
            pass
    source, files = _adapter(checkpoint, revision, model_id, base)
    return _fetched(source, files)


def describe_source(
    checkpoint: str | Path,
    *,
    revision: str | None = None,
    model_id: str | None = None,
    base: str | Path | None = None,
) -> tuple[Source, WeightFiles]:
    """Resolve what the user named and look at its files, and fetch no weights.

    Args:
        checkpoint: As `resolve_source`.
        revision: Likewise.
        model_id: Likewise.
        base: Likewise.

    Returns:
        The folder, which holds the weights only where they were here already; and the weights by
        header, of an adapter those of its base.

    Raises:
        HubmaxactError: As `resolve_source` and `inspect`.
    """
    if base is None:
        try:
            return _described(lambda fetch: _resolve(checkpoint, revision, model_id, fetch))
        except AdapterFoundError:  # it is described with its base
            pass
    return _adapter(checkpoint, revision, model_id, base)


def inspect_source(source: Source) -> WeightFiles:
    """Check the files of a source.

    Args:
        source: What `resolve_source` returned.

    Returns:
        What `inspect` finds; of an adapter, its base's files with what is merged into them.

    Raises:
        HubmaxactError: As `inspect` and `with_adapter`.
    """
    if source.base is None:
        return inspect(source.folder, source.name)
    base = inspect(source.base.folder, source.base.name)
    return with_adapter(base, Folder(source.folder, source.name), source.folder)


Fetch = Callable[[str, str], Path]


def _described(find: Callable[[Fetch], Source]) -> tuple[Source, WeightFiles]:
    """A whole checkpoint, found by whatever takes the way to fetch it; its weights by header."""
    from hubmaxact.measurement.checkpoint.download import describe_checkpoint

    described: list[WeightFiles] = []

    def fetch(repo_id: str, commit: str) -> Path:
        described.append(describe_checkpoint(repo_id, commit))
        return described[0].folder

    source = find(fetch)
    return source, described[0] if described else inspect(source.folder, source.name)


def _resolve(
    checkpoint: str | Path, revision: str | None, model_id: str | None, fetch: Fetch
) -> Source:
    from hubmaxact.hub.repository import check_repo_id

    if model_id is not None:
        check_repo_id(model_id)
    if (folder := local_folder(checkpoint, revision)) is not None:
        return _local(folder, model_id)
    repo_id = str(checkpoint).removesuffix("/")
    source = _downloaded(repo_id, revision, find_hub_commit(repo_id, revision), fetch)
    return replace(source, model_id=model_id or repo_id)


def _local(path: Path, model_id: str | None) -> Source:
    listing = Folder(path)
    if words := left_aside(listing.name, recognize(listing).weights.beside):
        LOG.warning(words)
    return Source(path, model_id=model_id)


def _downloaded(repo_id: str, revision: str | None, commit: str, fetch: Fetch) -> Source:
    from hubmaxact.hub.cache import is_offline, remember
    from hubmaxact.measurement.checkpoint.download import cached_checkpoint

    folder = (cached_checkpoint if is_offline() else fetch)(repo_id, commit)
    remember(repo_id, revision, commit)
    return Source(folder, repo_id, revision or "main", commit)


def _adapter(
    checkpoint: str | Path, revision: str | None, model_id: str | None, asked: str | Path | None
) -> tuple[Source, WeightFiles]:
    """An adapter and its base, both by header; only small files are fetched."""
    from hubmaxact.hub.cache import remember
    from hubmaxact.hub.repository import check_repo_id
    from hubmaxact.measurement.checkpoint.adapter_download import adapter_folder

    if model_id is not None:
        check_repo_id(model_id)
    listing = find_place(checkpoint, revision)
    config = _config(listing, asked)
    base_source, base_files = _base(listing, base_of(listing, config, asked))
    folder = adapter_folder(listing)
    files = with_adapter(base_files, listing, folder)
    if listing.commit is None:
        return Source(folder, model_id, base=base_source), files
    remember(listing.name, revision, listing.commit)
    name = model_id or listing.name
    return Source(folder, name, revision or "main", listing.commit, base_source), files


def _config(listing: Listing, asked: str | Path | None) -> AdapterConfig:
    """What the adapter says of itself; what is no adapter has no base."""
    try:
        refuse_adapter(listing)
    except AdapterFoundError:
        return read_config(listing)
    raise OptionsError(
        f"{listing.name} is no adapter to be merged into {printable(str(asked), LONGEST_PATH)}. "
        "Name the adapter, or leave --base out."
    )


def _base(listing: Listing, base: Base) -> tuple[Source, WeightFiles]:
    """The base of an adapter, its weights by header."""

    def find(fetch: Fetch) -> Source:
        from hubmaxact.hub.cache import find_commit

        if isinstance(base.checkpoint, Path):
            return _resolve(base.checkpoint, base.revision, None, fetch)
        find_it = find_hub_commit if base.is_asked else find_commit
        commit = find_it(base.checkpoint, base.revision)
        return _downloaded(base.checkpoint, base.revision, commit, fetch)

    try:
        return _described(find)
    except HubmaxactError as error:
        raise without_base(listing, base, error) from error


def _fetched(source: Source, files: WeightFiles) -> Source:
    """The same, with the weights of both here."""
    from hubmaxact.hub.cache import is_offline
    from hubmaxact.measurement.checkpoint.adapter_download import fetch_weights

    assert source.base is not None
    if not is_offline():
        fetch_weights(files, source.commit, source.base.commit)
    return source
