"""From what the user named to a checkpoint, or to an adapter and the base that it is merged into.

An adapter and its base are looked at by header before weights of either are fetched.
"""

from pathlib import Path

from hubmaxact.adapters.config import AdapterConfig
from hubmaxact.errors import HubmaxactError, OptionsError
from hubmaxact.measurement.checkpoint.adapter_base import Base, base_of, without_base
from hubmaxact.measurement.checkpoint.adapter_files import read_config, with_adapter
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles, inspect
from hubmaxact.measurement.source import Source, describe_source, resolve_source
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.recognition.adapter import AdapterFoundError, refuse_adapter
from hubmaxact.recognition.folder import Folder
from hubmaxact.recognition.listing import Listing
from hubmaxact.recognition.place import find_hub_commit, find_place


def resolve_with_base(
    checkpoint: str | Path,
    *,
    revision: str | None = None,
    model_id: str | None = None,
    base: str | Path | None = None,
    trust_remote_code: bool = False,
) -> Source:
    """Find a checkpoint as `resolve_source` does, or an adapter with its base.

    Args:
        checkpoint: Folder of a checkpoint or of an adapter, or a Hub id ("owner/name"). A `Path` is
            always a folder.
        revision: Branch, tag or commit of a Hub id. None: main.
        model_id: Hub id to record for a local folder.
        base: What an adapter is merged into: a folder, or a Hub id ("owner/name@revision" too).
            None: what it names itself.
        trust_remote_code: As in `resolve_source`; not of an adapter and its base.

    Returns:
        The folder, in the cache if it is on the Hub; its weights are here, and its base's.

    Raises:
        AdapterError: It is an adapter that cannot be merged, or whose base cannot be had.
        OptionsError: It is no adapter, and a base was named; or it is one, and code is trusted.
        HubmaxactError: As `resolve_source`.
    """
    if base is None:
        try:
            return resolve_source(
                checkpoint,
                revision=revision,
                model_id=model_id,
                trust_remote_code=trust_remote_code,
            )
        except AdapterFoundError:  # it is measured with its base
            pass
    if trust_remote_code:
        raise OptionsError(
            "nobody's code runs where an adapter is merged into its base. Leave "
            "--trust-remote-code out."
        )
    return _fetched(*_adapter(checkpoint, revision, model_id, base))


def describe_with_base(
    checkpoint: str | Path,
    *,
    revision: str | None = None,
    model_id: str | None = None,
    base: str | Path | None = None,
) -> tuple[Source, WeightFiles]:
    """Describe a checkpoint as `describe_source` does, or an adapter with its base.

    Args:
        checkpoint: As `resolve_with_base`.
        revision: Likewise.
        model_id: Likewise.
        base: Likewise.

    Returns:
        The folder, which holds the weights only where they were here already; and the weights by
        header, of an adapter those of its base.

    Raises:
        HubmaxactError: As `resolve_with_base` and `inspect`.
    """
    if base is None:
        try:
            return describe_source(checkpoint, revision=revision, model_id=model_id)
        except AdapterFoundError:  # it is described with its base
            pass
    return _adapter(checkpoint, revision, model_id, base)


def inspect_source(source: Source) -> WeightFiles:
    """Check the files of a source.

    Args:
        source: What `resolve_with_base` returned.

    Returns:
        What `inspect` finds; of an adapter, its base's files with what is merged into them.

    Raises:
        HubmaxactError: As `inspect` and `with_adapter`.
    """
    if source.base is None:
        return inspect(source.folder, source.name)
    base = inspect(source.base.folder, source.base.name)
    return with_adapter(base, Folder(source.folder, source.name), source.folder)


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
    return Source(folder, name, revision or "main", listing.commit, base=base_source), files


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
    try:
        if isinstance(base.checkpoint, Path):
            return describe_source(base.checkpoint)
        return _on_hub(base.checkpoint, base)
    except HubmaxactError as error:
        raise without_base(listing, base, error) from error


def _on_hub(repo_id: str, base: Base) -> tuple[Source, WeightFiles]:
    """The repository, whatever folder has the same name here."""
    from hubmaxact.hub.cache import find_commit, is_offline, remember
    from hubmaxact.measurement.checkpoint.download import cached_checkpoint, describe_checkpoint

    find = find_hub_commit if base.is_asked else find_commit
    commit = find(repo_id, base.revision)
    if is_offline():
        files = inspect(cached_checkpoint(repo_id, commit), repo_id)
    else:
        files = describe_checkpoint(repo_id, commit)
    remember(repo_id, base.revision, commit)
    return Source(files.folder, repo_id, base.revision or "main", commit), files


def _fetched(source: Source, files: WeightFiles) -> Source:
    """The same, with the weights of both here."""
    from hubmaxact.hub.cache import is_offline
    from hubmaxact.measurement.checkpoint.adapter_download import fetch_weights

    assert source.base is not None
    if not is_offline():
        fetch_weights(files, source.commit, source.base.commit)
    return source
