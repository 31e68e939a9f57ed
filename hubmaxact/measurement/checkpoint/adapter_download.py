"""An adapter and its base from the Hub into the cache: small files first, weights at the end."""

from pathlib import Path

from hubmaxact.measurement import libraries
from hubmaxact.measurement.checkpoint.download import fetch_files
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.recognition.adapter import CONFIG
from hubmaxact.recognition.folder import Folder
from hubmaxact.recognition.listing import Listing
from hubmaxact.recognition.small_files import small_files


def adapter_folder(listing: Listing) -> Path:
    """Return where an adapter's small files lie, fetched if need be.

    Args:
        listing: A folder, a repository, or what the cache holds of one.

    Returns:
        The folder.

    Raises:
        HubError: They cannot be fetched.
    """
    if isinstance(listing, Folder):
        return listing.folder
    assert listing.commit is not None
    return fetch_files(listing.name, listing.commit, [CONFIG, *small_files(listing.root)])


def fetch_weights(files: WeightFiles, commit: str | None, base_commit: str | None) -> None:
    """Fetch the weights of an adapter and of its base.

    Args:
        files: Both, by header.
        commit: Of the adapter's repository. None: it is a folder here.
        base_commit: Of the base's.

    Raises:
        MissingPackageError: A library that they will be loaded with is broken.
        UnsafeCheckpointError: Nothing here knows the base's architecture.
        HubError: They cannot be fetched.
    """
    libraries.load()  # before what may take hours
    from hubmaxact.measurement.checkpoint.own_code import model_class

    model_class(files.folder, files.config)
    assert files.adapter is not None
    if commit is not None:
        fetch_files(files.adapter.name, commit, files.adapter.shards)
    if base_commit is not None:
        fetch_files(files.name, base_commit, files.shards)
