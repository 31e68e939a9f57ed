"""A checkpoint from the Hub into the cache: config, tokenizer, what it loads; never pickle."""

import glob
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from hubmaxact.errors import HubError
from hubmaxact.hub.cache import absent_file, cached_folder
from hubmaxact.hub.client import api
from hubmaxact.hub.retry import ask
from hubmaxact.measurement import libraries
from hubmaxact.measurement.checkpoint.weight_files import TOKENIZERS, check_small_files
from hubmaxact.recognition.adapter import refuse_adapter
from hubmaxact.recognition.folder import Folder
from hubmaxact.recognition.recognize import CONFIG, SHARD, recognize
from hubmaxact.recognition.repository import Repository
from hubmaxact.recognition.small_files import small_files
from hubmaxact.recognition.weights import INDEX, SINGLE, SUFFIX, left_aside, weight_map

LOG = logging.getLogger(__name__)  # warnings reach standard error without further ado


def download_checkpoint(repo_id: str, commit: str) -> Path:
    """Fetch config, tokenizer and the weights that are loaded of `commit` into the cache.

    Whatever names and small files tell against it is told before a weight is fetched.

    Args:
        repo_id: Model repository ("owner/name").
        commit: 40 hexadecimal digits.

    Returns:
        The folder that they are in.

    Raises:
        NoCheckpointError: The repository is something else than a checkpoint.
        UnsafeCheckpointError: It needs pickle or code, or is quantized.
        IncompleteWeightsError: Weights are missing.
        MissingPackageError: A library that they will be loaded with is broken.
        HubError: They cannot be fetched.
    """
    listing = Repository(repo_id, commit)
    found = recognize(listing)
    folder = _snapshot(repo_id, commit, small_files(listing.root))
    check_small_files(Folder(folder, repo_id), found.config)
    libraries.load()  # before what may take hours
    from hubmaxact.measurement.checkpoint.own_code import model_class

    model_class(folder, found.config)
    if words := left_aside(repo_id, found.weights.beside):
        LOG.warning(words)
    return _snapshot(repo_id, commit, found.weights.files)


def _snapshot(repo_id: str, commit: str, names: Iterable[str]) -> Path:
    """Fetch files of the root; the cache's folder of this commit, whatever else is in it."""
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
        UnsafeCheckpointError: It needs pickle or code, or is quantized.
        IncompleteWeightsError: Its index names no files.
        HubError: A file of it is not there; the message names the first.
    """
    folder = cached_folder(repo_id, commit)
    listing = Folder(folder, repo_id)
    refuse_adapter(listing)
    if absent := next(_absent(listing), None):
        raise HubError(absent_file(repo_id, commit, absent))
    if words := left_aside(repo_id, recognize(listing).weights.beside):
        LOG.warning(words)
    return folder


def _absent(listing: Folder) -> Iterator[str]:
    """What no checkpoint is without, and this folder is."""
    if CONFIG not in listing.root:
        yield CONFIG
    yield from sorted(_weights(listing) - listing.root)
    if not any(path.is_file() for pattern in TOKENIZERS for path in listing.folder.glob(pattern)):
        yield TOKENIZERS[0]


def _weights(listing: Folder) -> frozenset[str]:
    """The weight files that there should be, by the index or by their own names."""
    if INDEX in listing.root:
        return frozenset(weight_map(listing.json(INDEX)).values())
    found = frozenset(name for name in listing.root if name.endswith(SUFFIX))
    if not found:
        return frozenset({SINGLE})
    return frozenset({INDEX}) if any(map(SHARD.fullmatch, found)) else found
