"""Is this folder a checkpoint we may load? Decided from files alone, before torch is imported.

Safetensors only, no other repository's code, every shard that the index names there, sound and
complete.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from hubmaxact.errors import IncompleteWeightsError, UnsafeCheckpointError
from hubmaxact.measurement.checkpoint.configuration import (
    CONFIG,
    listed,
    read_json,
    refuse_endless,
    refuse_foreign_code,
)
from hubmaxact.measurement.checkpoint.safetensors_header import TensorEntry, read_header
from hubmaxact.printable import printable
from hubmaxact.report.document import WeightFile

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
TOKENIZERS = ("tokenizer.json", "tekken.json", "vocab.*", "*.model", "*.tiktoken")
STORED_AS = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}
"""Weight dtypes that `--dtype auto` runs in as they are; any other runs in bfloat16."""

PLAIN = (*STORED_AS, "F64")
"""Weight dtypes that hold weights as they are."""

PICKLE_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl"})
LONGEST_SHARD_NAME = 200  # characters; file systems stop at 255 bytes
HASH_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """The weights of a checkpoint folder, by header only."""

    folder: Path
    config: dict[str, Any]
    shards: tuple[str, ...]  # file names, sorted
    tensors: dict[str, TensorEntry]

    @property
    def dtype(self) -> str:
        """The dtype most bytes are stored in, as safetensors spells it."""
        sizes: Counter[str] = Counter()
        for entry in self.tensors.values():
            sizes[entry.dtype] += entry.num_bytes
        return min(sizes, key=lambda dtype: (-sizes[dtype], dtype))


def inspect(folder: Path) -> WeightFiles:
    """Check a local checkpoint folder.

    Args:
        folder: In transformers' layout, whoever made it.

    Returns:
        Configuration, shards and tensors; no weight was read.

    Raises:
        UnsafeCheckpointError: Only pickles, another repository's code, or a file that lies about
            itself.
        IncompleteWeightsError: Index and shards do not agree.
    """
    config = read_json(folder, CONFIG)
    refuse_foreign_code(config)
    _refuse_other_weights(folder, config)
    refuse_endless(config)
    _require_tokenizer(folder)
    expected = _expected_tensors(folder)
    tensors: dict[str, TensorEntry] = {}
    for shard in sorted(set(expected.values())) or [SINGLE]:
        header = read_header(_shard_path(folder, shard))
        _check_shard(shard, header, expected)
        tensors |= header
    if not tensors:
        raise IncompleteWeightsError(f"{folder.name} holds no tensors. Save the checkpoint again.")
    return WeightFiles(folder, config, tuple(sorted(set(expected.values()))) or (SINGLE,), tensors)


def _refuse_other_weights(folder: Path, config: dict[str, Any]) -> None:
    """What is hashed must be what is loaded: nothing may lead transformers to other files."""
    if (folder / "adapter_config.json").is_file():
        raise UnsafeCheckpointError(
            f"{folder.name} is an adapter, not a checkpoint. Merge it into its base model first."
        )
    if named := config.get("transformers_weights"):
        raise UnsafeCheckpointError(
            f"{CONFIG} names weights of its own ({ascii(named)[:80]}). Remove transformers_weights "
            f"and keep the weights in {SINGLE}."
        )


def _require_tokenizer(folder: Path) -> None:
    """A folder without one would get an empty tokenizer from transformers."""
    if not any(path.is_file() for pattern in TOKENIZERS for path in folder.glob(pattern)):
        raise UnsafeCheckpointError(
            f"{folder.name} has no tokenizer ({', '.join(TOKENIZERS)}). "
            "Put the checkpoint's own tokenizer files beside the weights."
        )


def _expected_tensors(folder: Path) -> dict[str, str]:
    """Tensor name -> shard, from the index; empty for a single file."""
    if (folder / INDEX).is_file():
        weight_map = read_json(folder, INDEX).get("weight_map")
        if not isinstance(weight_map, dict) or not weight_map:
            raise IncompleteWeightsError(f"{INDEX} has no weight_map. Save the checkpoint again.")
        expected = {str(name): str(shard) for name, shard in weight_map.items()}
        # transformers would load the one file and not look at the index.
        if (folder / SINGLE).is_file() and set(expected.values()) != {SINGLE}:
            raise UnsafeCheckpointError(
                f"{folder.name} has its weights twice, in {SINGLE} and in the files of {INDEX}. "
                "Remove one of the two."
            )
        return expected
    if (folder / SINGLE).is_file():
        return {}
    raise UnsafeCheckpointError(_without_safetensors(folder))


def _without_safetensors(folder: Path) -> str:
    pickles = listed(path for path in folder.iterdir() if path.suffix in PICKLE_SUFFIXES)
    if pickles:
        return (
            f"{folder.name} has only pickled weights ({pickles}), which can run "
            "code when they are loaded. Convert them to safetensors first."
        )
    found = listed(folder.glob("*.safetensors"))
    if found:
        return (
            f"{folder.name} has {found} but neither {SINGLE} nor {INDEX}. "
            "Save the checkpoint again."
        )
    return f"{folder.name} has no safetensors weights. Give the folder of a checkpoint."


def _shard_path(folder: Path, shard: str) -> Path:
    """A shard's path, inside the folder whatever the index says."""
    posix, windows = PurePosixPath(shard), PureWindowsPath(shard)
    is_plain = posix.name == windows.name == shard
    if not is_plain or posix.suffix != ".safetensors" or len(shard) > LONGEST_SHARD_NAME:
        raise UnsafeCheckpointError(
            f"{INDEX} names a shard {ascii(shard)[:80]}, which is not the name of a safetensors "
            "file in the folder. Save the checkpoint again."
        )
    path = folder / shard
    if not path.is_file():
        raise IncompleteWeightsError(
            f"{INDEX} names {printable(shard)}, which is not there. "
            "Download or save the checkpoint again."
        )
    return path


def _check_shard(shard: str, header: Iterable[str], expected: dict[str, str]) -> None:
    promised = {name for name, where in expected.items() if where == shard}
    if not promised:
        return
    held = set(header)
    if promised != held:
        lost, extra = sorted(promised - held), sorted(held - promised)
        found = f"{len(lost)} tensors missing" if lost else f"{len(extra)} tensors too many"
        example = (lost or extra)[0]
        raise IncompleteWeightsError(
            f"{printable(shard)} does not hold what {INDEX} says: {found} "
            f"(first: {ascii(example)[:100]}). Download or save the checkpoint again."
        )


def digest_weights(files: WeightFiles) -> list[WeightFile]:
    """Name, size and sha256 of every weight file, as the Hub's LFS knows them."""
    return [_digest(files.folder, shard) for shard in files.shards]


def _digest(folder: Path, shard: str) -> WeightFile:
    path = folder / shard
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(HASH_CHUNK):
            digest.update(chunk)
    return WeightFile(path=shard, size=path.stat().st_size, sha256=digest.hexdigest())
