"""Is this an adapter that we may merge? Decided from its configuration and from headers.

The configuration alone says what no sum is, so that is told before anything is fetched.
"""

from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from hubmaxact.adapters.config import AdapterConfig, UnmergeableError, adapter_config
from hubmaxact.adapters.find_merges import find_merges
from hubmaxact.adapters.merges import Merges
from hubmaxact.errors import AdapterError
from hubmaxact.measurement.checkpoint.adapter import Adapter
from hubmaxact.measurement.checkpoint.configuration import TOKENIZER_CONFIG, refuse_damaged
from hubmaxact.measurement.checkpoint.weight_files import TOKENIZERS, WeightFiles
from hubmaxact.printable import printable
from hubmaxact.recognition.adapter import CONFIG, MERGE
from hubmaxact.recognition.listing import Listing
from hubmaxact.recognition.small_files import small_files
from hubmaxact.recognition.stored_tensors import header_of
from hubmaxact.recognition.weights import ADAPTER


def read_config(listing: Listing) -> AdapterConfig:
    """Read and check an adapter's configuration.

    Args:
        listing: Its folder or repository.

    Returns:
        What merging needs.

    Raises:
        AdapterError: It is no sum; names its base, where that is said.
        HubmaxactError: The file cannot be read, or is no JSON object.
    """
    said = listing.json(CONFIG)
    try:
        return adapter_config(said)
    except UnmergeableError as error:
        base = said.get("base_model_name_or_path")
        raise unmergeable(listing, base if isinstance(base, str) else None, error) from error


def with_adapter(base: WeightFiles, listing: Listing, folder: Path) -> WeightFiles:
    """Put an adapter beside its base.

    Args:
        base: What `inspect` or `describe_checkpoint` found sound.
        listing: The adapter's folder or repository; headers are read from it.
        folder: Where its small files lie.

    Returns:
        The base, with the adapter that is merged when it is loaded.

    Raises:
        AdapterError: They do not fit each other.
        UnsafeCheckpointError: A file lies about itself.
        IncompleteWeightsError: Git LFS pointers stand in the place of files.
    """
    config = read_config(listing)
    small = small_files(listing.root)
    listing.refuse_pointers([*small, ADAPTER])
    if TOKENIZER_CONFIG in small:
        refuse_damaged(listing.json(TOKENIZER_CONFIG), TOKENIZER_CONFIG)
    tensors = header_of(listing, ADAPTER)
    text = _text(base.config)
    try:
        merges = find_merges(
            config,
            tensors,
            _shapes(base),
            num_tokens=text.get("vocab_size"),
            is_tied=bool(base.config.get("tie_word_embeddings", text.get("tie_word_embeddings"))),
        )
    except UnmergeableError as error:
        raise unmergeable(listing, base.name, error) from error
    own = 0 if (folder / ADAPTER).is_file() else listing.size(ADAPTER)
    return replace(
        base,
        adapter=_adapter(listing, folder, config, tensors, merges),
        bytes_to_fetch=base.bytes_to_fetch + own,
    )


def unmergeable(listing: Listing, base: str | None, reason: object) -> AdapterError:
    """Return the refusal of an adapter.

    Args:
        listing: Its folder or repository.
        base: How sentences call its base. None: it names none.
        reason: The rest of the sentence.

    Returns:
        The error to raise.
    """
    of = f" of {printable(base)}" if base else ""
    return AdapterError(
        f"{listing.name} is an adapter{of} that cannot be merged here: {reason}. {MERGE}"
    )


def _adapter(
    listing: Listing,
    folder: Path,
    config: AdapterConfig,
    tensors: dict[str, Any],
    merges: Merges,
) -> Adapter:
    own = any(fnmatchcase(name, pattern) for name in listing.root for pattern in TOKENIZERS)
    return Adapter(
        folder=folder,
        name=listing.name,
        named_base=config.base,
        tensors=tensors,
        merges=merges,
        has_tokenizer=own,
    )


def _text(config: dict[str, Any]) -> dict[str, Any]:
    """What a configuration says of its decoder of text."""
    inner = config.get("text_config")
    return inner if isinstance(inner, dict) else config


def _shapes(base: WeightFiles) -> dict[str, tuple[int, ...]]:
    """Shapes of the base's weights as an unquantized release would store them."""
    if base.stored is None:
        return {name: entry.shape for name, entry in base.tensors.items()}
    plain = {name: base.tensors[name].shape for name in base.stored.plain}
    return plain | {weight.name: weight.shape for weight in base.stored.weights}
