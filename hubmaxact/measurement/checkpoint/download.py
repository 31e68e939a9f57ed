"""A checkpoint from the Hub into the cache: config, tokenizer, safetensors; never pickle."""

import re
from collections.abc import Iterator
from pathlib import Path

from hubmaxact.errors import HubError, UnsafeCheckpointError
from hubmaxact.hub.cache import absent_file, cached_folder
from hubmaxact.hub.client import api
from hubmaxact.hub.repository import list_files
from hubmaxact.hub.retry import ask
from hubmaxact.measurement.checkpoint.configuration import CONFIG, read_json
from hubmaxact.measurement.checkpoint.weight_files import (
    INDEX,
    PICKLE_SUFFIXES,
    SINGLE,
    TOKENIZERS,
)

CHECKPOINT_FILES = [
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "*.model",
    "README.md",
]

SHARD = re.compile(r"-\d{5}-of-\d{5}\.safetensors$")

# Sub-folders hold other formats of the same weights, and consolidated files a second copy.
NEVER_NEEDED = ["*/*", "consolidated*", "*.py"]


def weight_formats(repo_id: str, commit: str) -> frozenset[str]:
    """Which of "safetensors" and "pickle" the root of the repository holds."""
    suffixes = {Path(path).suffix for path in list_files(repo_id, commit) if "/" not in path}
    pickle = {"pickle"} if suffixes & PICKLE_SUFFIXES else set()
    return frozenset(pickle | ({"safetensors"} if ".safetensors" in suffixes else set()))


def download_checkpoint(repo_id: str, commit: str) -> Path:
    """Fetch config, tokenizer and safetensors of `commit` into the cache.

    Args:
        repo_id: Model repository ("owner/name").
        commit: 40 hexadecimal digits.

    Returns:
        The folder that they are in.

    Raises:
        UnsafeCheckpointError: The weights are there only as pickle, which runs code.
        HubError: There are no weights, or they cannot be fetched.
    """
    formats = weight_formats(repo_id, commit)
    if formats == {"pickle"}:
        raise UnsafeCheckpointError(
            f"{repo_id} has its weights only as pickle (.bin, .pt), which can run code when read. "
            "Convert them to safetensors first: https://huggingface.co/spaces/safetensors/convert"
        )
    if "safetensors" not in formats:
        raise HubError(f"{repo_id} has no .safetensors file at {commit[:7]}. Check the revision.")
    folder = ask(lambda: _snapshot(repo_id, commit), repo_id=repo_id, revision=commit)
    return Path(folder)


def cached_checkpoint(repo_id: str, commit: str) -> Path:
    """Find a checkpoint in the cache, where the Hub may not be asked.

    Args:
        repo_id: Model repository ("owner/name").
        commit: 40 hexadecimal digits.

    Returns:
        The folder that its files are in.

    Raises:
        HubError: A file of it is not there; the message names the first.
    """
    folder = cached_folder(repo_id, commit)
    if absent := next(_absent(folder), None):
        raise HubError(absent_file(repo_id, commit, absent))
    return folder


def _absent(folder: Path) -> Iterator[str]:
    """What no checkpoint is without, and this folder is."""
    if not (folder / CONFIG).is_file():
        yield CONFIG
    yield from (name for name in _weights(folder) if not (folder / name).is_file())
    if not any(path.is_file() for pattern in TOKENIZERS for path in folder.glob(pattern)):
        yield TOKENIZERS[0]


def _weights(folder: Path) -> list[str]:
    """The weight files that there should be, by the index or by their own names."""
    if (folder / INDEX).is_file():
        shards = read_json(folder, INDEX).get("weight_map")
        # What is no plain name is refused when the checkpoint is looked at.
        return sorted(map(str, shards.values())) if isinstance(shards, dict) else []
    found = [path.name for path in folder.glob("*.safetensors") if path.is_file()]
    if not found:
        return [SINGLE]
    return [INDEX] if any(map(SHARD.search, found)) else found


def _snapshot(repo_id: str, commit: str) -> str:
    return api().snapshot_download(
        repo_id,
        revision=commit,
        allow_patterns=CHECKPOINT_FILES,
        ignore_patterns=NEVER_NEEDED,
    )
