"""A checkpoint from the Hub into the cache: config, tokenizer, what it loads; never pickle."""

import glob
import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from hubmaxact.confinement import process as confinement
from hubmaxact.hub.client import api
from hubmaxact.hub.retry import ask
from hubmaxact.measurement import libraries
from hubmaxact.measurement.checkpoint.weight_files import (
    WeightFiles,
    check_small_files,
    weight_files,
)
from hubmaxact.recognition.cached import Cached
from hubmaxact.recognition.folder import Folder
from hubmaxact.recognition.own_code import code_files
from hubmaxact.recognition.recognize import Checkpoint, recognize
from hubmaxact.recognition.repository import Repository
from hubmaxact.recognition.small_files import small_files
from hubmaxact.recognition.stored_tensors import header_of, tensors_of
from hubmaxact.recognition.weights import left_aside

LOG = logging.getLogger(__name__)  # warnings reach standard error without further ado


def download_checkpoint(repo_id: str, commit: str, *, trust_remote_code: bool = False) -> Path:
    """Fetch config, tokenizer and the weights that are loaded of `commit` into the cache.

    Whatever names and small files tell against it is told before a weight is fetched.

    Args:
        repo_id: Model repository ("owner/name").
        commit: 40 hexadecimal digits.
        trust_remote_code: Whether code is fetched too, where nothing does without it.

    Returns:
        The folder that they are in.

    Raises:
        NoCheckpointError: The repository is something else than a checkpoint.
        UnsafeCheckpointError: It needs pickle or code, or is quantized in a way that is unknown or
            not kept to.
        IncompleteWeightsError: Weights are missing.
        MissingPackageError: A library that they will be loaded with is broken.
        UnknownAnatomyError: It is an encoder-decoder, or no model of text.
        UnconfinedError: Its code cannot be kept from network and files here.
        HubError: They cannot be fetched.
    """
    listing = Repository(repo_id, commit)
    found, folder = _without_weights(listing, trust_remote_code=trust_remote_code)
    if found.declared is not None:  # the headers next: they may not be what was declared
        _described(listing, folder, found)
    return fetch_files(repo_id, commit, found.weights.files)


def describe_checkpoint(repo_id: str, commit: str) -> WeightFiles:
    """Fetch config and tokenizer of `commit` into the cache, and of the weights the headers alone.

    Args:
        repo_id: Model repository ("owner/name").
        commit: 40 hexadecimal digits.

    Returns:
        What `inspect` finds of a whole checkpoint; the weight files are not in its folder.

    Raises:
        NoCheckpointError: The repository is something else than a checkpoint.
        UnsafeCheckpointError: It needs pickle or code, or its files lie.
        IncompleteWeightsError: Weights are missing.
        HubError: They cannot be fetched.
    """
    listing = Repository(repo_id, commit)
    found, folder = _without_weights(listing)
    return _described(listing, folder, found)


def _without_weights(
    listing: Repository, *, trust_remote_code: bool = False
) -> tuple[Checkpoint, Path]:
    """Fetch the small files, and hear all that they tell against a checkpoint."""
    found = recognize(listing)
    folder = fetch_files(listing.name, listing.commit, small_files(listing.root))
    check_small_files(Folder(folder, listing.name), found.config)
    libraries.load()  # before what may take hours
    from hubmaxact.measurement.checkpoint.own_code import model_class, needed_code

    code = needed_code(folder, found.config) if trust_remote_code else None
    if code is not None:
        confinement.require()
        names = [file.path for file in code_files(listing, code.classes)]
        folder = fetch_files(listing.name, listing.commit, names)
    if code is None or code.model is None:
        model_class(folder, found.config)
    if words := left_aside(listing.name, found.weights.beside):
        LOG.warning(words)
    return found, folder


def _described(listing: Repository, folder: Path, found: Checkpoint) -> WeightFiles:
    """What the headers of the weight files declare, each fetched as a part of its file."""
    tensors = tensors_of(listing.name, found.weights, lambda shard: header_of(listing, shard))
    absent = [shard for shard in found.weights.files if not (folder / shard).is_file()]
    files = weight_files(folder, listing.name, found, tensors)
    return replace(files, bytes_to_fetch=sum(map(listing.size, absent)))


def fetch_files(repo_id: str, commit: str, names: Iterable[str]) -> Path:
    """Fetch files of the root of a repository into the cache.

    Args:
        repo_id: Model repository ("owner/name").
        commit: 40 hexadecimal digits.
        names: The files'.

    Returns:
        The cache's folder of this commit, whatever else is in it.

    Raises:
        HubError: They cannot be fetched.
    """
    patterns = [glob.escape(name) for name in names]
    folder = ask(
        lambda: api().snapshot_download(repo_id, revision=commit, allow_patterns=patterns),
        repo_id=repo_id,
        revision=commit,
    )
    return Path(folder)


def cached_checkpoint(repo_id: str, commit: str) -> Path:
    """Find a checkpoint in the cache, where the Hub may not be asked.

    Args:
        repo_id: Model repository ("owner/name").
        commit: 40 hexadecimal digits.

    Returns:
        The folder that its files are in.

    Raises:
        NoCheckpointError: What lies there is something else than a checkpoint.
        UnsafeCheckpointError: It needs pickle or code, or is quantized in an unknown way.
        IncompleteWeightsError: Its index names no files, or Git LFS pointers were committed.
        HubError: A file of it is not there; the message names the first.
    """
    listing = Cached(repo_id, commit)
    found = recognize(listing)
    check_small_files(listing, found.config)
    if words := left_aside(repo_id, found.weights.beside):
        LOG.warning(words)
    return listing.folder
