"""A checkpoint from the Hub into the cache: config, tokenizer, safetensors; never pickle."""

from pathlib import Path

from hubmaxact.errors import HubError, UnsafeCheckpointError
from hubmaxact.hub.client import api
from hubmaxact.hub.repository import list_files
from hubmaxact.hub.retry import ask
from hubmaxact.measurement.checkpoint.weight_files import PICKLE_SUFFIXES

CHECKPOINT_FILES = [
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "tekken.json",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "*.model",
    "README.md",
]


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


def _snapshot(repo_id: str, commit: str) -> str:
    return api().snapshot_download(
        repo_id,
        revision=commit,
        allow_patterns=CHECKPOINT_FILES,
        ignore_patterns=NEVER_NEEDED,
    )
