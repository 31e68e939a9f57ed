"""Is this folder a checkpoint we may load? Decided from files alone, before torch is imported.

Safetensors only, no other repository's code, every shard that the index names there, sound and
complete.
"""

from collections import Counter
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Self

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.measurement import libraries
from hubmaxact.measurement.checkpoint.adapter import Adapter
from hubmaxact.measurement.checkpoint.configuration import (
    CONFIG,
    TOKENIZER_CONFIG,
    refuse_damaged,
    refuse_endless,
    refuse_foreign_code,
)
from hubmaxact.measurement.checkpoint.model_kind import (
    named_class,
    refuse_encoder_decoder,
    refuse_other_kind,
)
from hubmaxact.recognition.folder import Folder
from hubmaxact.recognition.recognize import Checkpoint, recognize
from hubmaxact.recognition.safetensors_header import TensorEntry, read_header
from hubmaxact.recognition.small_files import small_files
from hubmaxact.recognition.stored_tensors import tensors_of
from hubmaxact.recognition.weights import SINGLE, Weights
from hubmaxact.stored_weights.storage import StoredWeights
from hubmaxact.stored_weights.stored import stored_weights
from hubmaxact.stored_weights.table import PLAIN
from hubmaxact.stored_weights.unknown import UnsoundStorageError

TOKENIZERS = ("tokenizer.json", "tekken.json", "vocab.*", "*.model", "*.tiktoken")
STORED_AS = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}
"""Weight dtypes that `--dtype auto` runs in as they are; any other runs in bfloat16."""


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """The weights of a checkpoint folder, by header only.

    Attributes:
        folder: Where they lie.
        name: How sentences call it.
        config: The content of config.json.
        weights: The files.
        tensors: What they declare, by name.
        scaled_cache: Whether the folder's own config.json quantizes the cache, and it alone; that
            is left out here.
        stored: Which of them hold quantized weights, and how. None: they are not quantized.
        bytes_to_fetch: Of weight files that are on the Hub and not in the folder.
        adapter: What is merged into them when they are loaded. None: nothing.
    """

    folder: Path
    name: str
    config: dict[str, Any]
    weights: Weights
    tensors: dict[str, TensorEntry]
    scaled_cache: bool = False
    stored: StoredWeights | None = None
    bytes_to_fetch: int = 0
    adapter: Adapter | None = None

    @property
    def shards(self) -> tuple[str, ...]:
        """Names of the files that are loaded, sorted."""
        return self.weights.files

    @property
    def places(self) -> "tuple[Adapter | WeightFiles, ...]":
        """Whatever holds weights: an adapter first, and the base that it is merged into."""
        return (self,) if self.adapter is None else (self.adapter, self)

    @property
    def beside_tokenizer(self) -> Self:
        """These files where the tokenizer lies: in the folder of an adapter that brings its own."""
        if self.adapter is None or not self.adapter.has_tokenizer:
            return self
        return replace(self, folder=self.adapter.folder, name=self.adapter.name)

    @property
    def dtype(self) -> str:
        """The dtype most bytes are stored in, as safetensors spells it."""
        sizes: Counter[str] = Counter()
        for entry in self.tensors.values():
            sizes[entry.dtype] += entry.num_bytes
        return min(sizes, key=lambda dtype: (-sizes[dtype], dtype))


def inspect(folder: Path, name: str | None = None) -> WeightFiles:
    """Check a local checkpoint folder.

    Args:
        folder: In transformers' layout, whoever made it.
        name: How sentences call it. None: by its own name.

    Returns:
        Configuration, shards and tensors; no weight was read.

    Raises:
        NoCheckpointError: It is something else than a checkpoint.
        UnsafeCheckpointError: Only pickles, another repository's code, a file that lies about
            itself, or weights that are quantized in a way that is unknown or not kept to.
        IncompleteWeightsError: Index and shards do not agree, or Git LFS pointers stand in their
            place.
    """
    listing = Folder(folder, name)
    found = recognize(listing)
    check_small_files(listing, found.config)
    tensors = tensors_of(listing.name, found.weights, lambda shard: read_header(folder / shard))
    return weight_files(folder, listing.name, found, tensors)


def weight_files(
    folder: Path, name: str, found: Checkpoint, tensors: dict[str, TensorEntry]
) -> WeightFiles:
    """Hold what weight files declare against what the configuration says of them.

    Args:
        folder: Where the small files lie.
        name: How sentences call the checkpoint.
        found: What it was recognized as.
        tensors: What its weight files declare, by name.

    Returns:
        Both together.

    Raises:
        UnsafeCheckpointError: They do not agree on how weights are stored.
    """
    if found.declared is None:
        files = WeightFiles(folder, name, found.config, found.weights, tensors, found.scaled_cache)
        if files.dtype not in PLAIN:
            raise UnsafeCheckpointError(
                f"the weights are stored as {files.dtype}, and config.json does not say how they "
                "are quantized. Measure the checkpoint they were quantized from."
            )
        return files
    try:
        stored = stored_weights(found.declared, tensors)
    except UnsoundStorageError as error:
        raise UnsafeCheckpointError(
            f"the weight files of {name} do not hold what {CONFIG} says of its quantized weights "
            f"({found.declared.method}): {error}. Download or save the checkpoint again, or "
            "measure the one it was quantized from."
        ) from error
    if not stored.weights:
        raise UnsafeCheckpointError(
            f"config.json says that the weights are quantized ({stored.method}), and none of them "
            "is. Remove quantization_config."
        )
    return WeightFiles(folder, name, found.config, found.weights, tensors, stored=stored)


def check_small_files(listing: Folder, config: dict[str, Any]) -> None:
    """Check all but the weights, which need not be there yet.

    Args:
        listing: A checkpoint's folder.
        config: The content of its config.json.

    Raises:
        UnsafeCheckpointError: It needs another repository's code, has no tokenizer, or is no work
            for a machine.
        IncompleteWeightsError: Git LFS pointers stand in the place of files.
        UnknownAnatomyError: It is an encoder-decoder, or no model of text.
    """
    listing.refuse_pointers(small_files(listing.root))
    refuse_foreign_code(config)
    _refuse_other_weights(config)
    refuse_endless(config)
    refuse_damaged(config, CONFIG)
    refuse_encoder_decoder(config)
    if TOKENIZER_CONFIG in listing.root:
        refuse_damaged(listing.json(TOKENIZER_CONFIG), TOKENIZER_CONFIG)
    _require_tokenizer(listing, config)


def _refuse_other_weights(config: dict[str, Any]) -> None:
    """What is hashed must be what is loaded: nothing may lead transformers to other files."""
    if (named := config.get("transformers_weights")) is not None:
        raise UnsafeCheckpointError(
            f"{CONFIG} names weights of its own ({ascii(named)[:80]}). Remove transformers_weights "
            f"and keep the weights in {SINGLE}."
        )


def _require_tokenizer(listing: Folder, config: dict[str, Any]) -> None:
    """A folder without one would get an empty tokenizer from transformers."""
    if not any(fnmatchcase(name, pattern) for name in listing.root for pattern in TOKENIZERS):
        refusal = UnsafeCheckpointError(
            f"{listing.name} has no tokenizer ({', '.join(TOKENIZERS)}). "
            "Put the checkpoint's own tokenizer files beside the weights."
        )
        _refuse_without_text(config)
        raise listing.lacking(TOKENIZERS[0], refusal)


def _refuse_without_text(config: dict[str, Any]) -> None:
    """A model of images has no tokenizer and needs none: what it is is the better answer."""
    libraries.load()
    if (found := named_class(config)) is not None:
        refuse_other_kind(found)
