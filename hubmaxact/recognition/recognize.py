"""From a listing to a checkpoint with these weight files, or to the one true reason why it is none.

Asked before anything is loaded, and of a repository before anything is downloaded but small files.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hubmaxact.errors import HubmaxactError, IncompleteWeightsError, NoCheckpointError
from hubmaxact.printable import printable
from hubmaxact.recognition.adapter import adapters_inside, inner_adapter, refuse_adapter
from hubmaxact.recognition.card import origin
from hubmaxact.recognition.kinds import KINDS, PIPELINE, Kind
from hubmaxact.recognition.listing import MOST_NAMED, Listing, named
from hubmaxact.recognition.quantization import storage_declared
from hubmaxact.recognition.scaled_cache import without_cache_scheme, without_scale_files
from hubmaxact.recognition.weights import INDEX, SINGLE, SUFFIX, Weights, has_weights, weights_of
from hubmaxact.stored_weights.declared import Declared

CONFIG = "config.json"
SHARD = re.compile(r".*-\d+-of-\d+\.safetensors")
DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What transformers would load: a configuration and these weight files.

    Attributes:
        config: The content of config.json.
        weights: Files.
        scaled_cache: Whether that configuration quantized the cache, and it alone: what it says
            of that and files of nothing but scales are left out of both.
        declared: How quantized weights are stored. None: they are not quantized, or nobody asked.
    """

    config: dict[str, Any]
    weights: Weights
    scaled_cache: bool = False
    declared: Declared | None = None


def recognize(listing: Listing, *, quantized: bool = False) -> Checkpoint:
    """Tell what a folder or a repository is.

    Args:
        listing: Its files by name.
        quantized: Whether weights that cannot be dequantized here will do, because nobody runs
            them.

    Returns:
        The checkpoint at its root. Of its weights nothing but names is known.

    Raises:
        NoCheckpointError: It is something else; the message says what, and what to do. Of an
            adapter that can be merged it is `adapter.AdapterFoundError`.
        UnsafeCheckpointError: Its weights are pickles, quantized, or there twice.
        IncompleteWeightsError: Files are missing, or Git LFS pointers stand in their place.
        HubError: A file of a repository cannot be read.
    """
    refuse_adapter(listing)
    if not has_weights(listing.root):
        raise _without_weights(listing)
    if CONFIG not in listing.root:
        raise _without_config(listing)
    config = listing.json(CONFIG)
    unscaled = None if quantized else without_cache_scheme(config)
    config = config if unscaled is None else unscaled
    declared = None if quantized else storage_declared(listing, config)
    weights = weights_of(listing)
    if unscaled is not None:
        weights = without_scale_files(weights)
    listing.refuse_pointers(weights.files)
    return Checkpoint(config, weights, unscaled is not None, declared)


def what_file(listing: Listing, file: str) -> HubmaxactError | None:
    """Return the refusal of a single file that was given instead of a checkpoint's folder.

    Args:
        listing: The folder that it lies in.
        file: Its name.

    Returns:
        What it is and what to do. None: its name does not say.
    """
    kinds = (kind for kind in KINDS if kind.found([file]))
    return next((_refusal(listing, kind, [file]) for kind in kinds), None)


def _without_weights(listing: Listing) -> HubmaxactError:
    """Why a place has no weights at its root: the most telling of its files decide."""
    if found := PIPELINE.found(listing.root):
        return _refusal(listing, PIPELINE, found)
    if inner := _inner(listing.deeper):
        return _one_down(listing, inner)
    if found := adapters_inside(listing.deeper):
        return inner_adapter(listing, found[0])
    if stray := [path for path in listing.root if _is_stray(path)]:
        return _without_index(listing, stray)
    for paths in (listing.root, listing.deeper):
        for kind in KINDS:
            if found := kind.found(paths):
                return _refusal(listing, kind, found)
    return _nothing(listing)


def _is_stray(path: str) -> bool:
    """Whether it holds weights under a name that transformers does not look for."""
    return path.endswith(SUFFIX) and not path.startswith("consolidated")


def _without_index(listing: Listing, stray: Iterable[str]) -> HubmaxactError:
    if any(SHARD.fullmatch(path) for path in stray):
        advice = f"Download {INDEX} too, or save the checkpoint again."
        refusal = IncompleteWeightsError(
            f"{listing.name} has shards ({named(stray)}) and no index of them. {advice}"
        )
        return listing.lacking(INDEX, refusal)
    other = NoCheckpointError(
        f"{listing.name} has {named(stray)} but neither {SINGLE} nor {INDEX}, which is all that "
        f"transformers looks for. Rename it to {SINGLE} if it is the whole checkpoint."
    )
    return listing.lacking(SINGLE, other)


def _without_config(listing: Listing) -> HubmaxactError:
    if inner := [folder for folder in _inner(listing.deeper) if _has_config(listing, folder)]:
        return _one_down(listing, inner)
    refusal = NoCheckpointError(
        f"{listing.name} has weights and no {CONFIG}. Put the model's own {CONFIG} beside them."
    )
    return listing.lacking(CONFIG, refusal)


def _nothing(listing: Listing) -> HubmaxactError:
    files = listing.root or listing.deeper
    found = f"found {named(files)}" if files else "no file lies there"
    lacks = "no safetensors weights" if CONFIG in listing.root else f"no {CONFIG} and no weights"
    refusal = NoCheckpointError(
        f"{listing.name} is no checkpoint: it has {lacks} ({found}). {listing.nothing_advice}"
    )
    return listing.lacking(SINGLE if CONFIG in listing.root else CONFIG, refusal)


def _refusal(listing: Listing, kind: Kind, found: Iterable[str]) -> HubmaxactError:
    asked = origin(listing) if "{origin}" in kind.sentence else ""
    words = kind.sentence.format(found=named(found), origin=asked)
    return kind.error(f"{listing.name} {words}{listing.caveat}")


def _one_down(listing: Listing, inner: list[str]) -> HubmaxactError:
    """Names the folders that hold what was looked for; those with a configuration first."""
    whole = [folder for folder in inner if _has_config(listing, folder)] or inner
    shown = ", ".join(printable(folder) for folder in whole[:MOST_NAMED])
    rest = len(whole) - MOST_NAMED
    more = f" and {rest} more" if rest > 0 else ""
    lacking = "" if _has_config(listing, whole[0]) else f" Put {CONFIG} and the tokenizer there."
    return NoCheckpointError(
        f"{listing.name} is no checkpoint itself; the weights are in a folder inside it: "
        f"{shown}{more}. {listing.inner_advice(whole[0])}{lacking}{listing.caveat}"
    )


def _inner(paths: Iterable[str]) -> list[str]:
    """Folders with weights that transformers would find, the last of numbered ones first."""
    known = frozenset(paths)
    folders = {path.rpartition("/")[0] for path in known}
    found = [folder for folder in folders if has_weights(known, f"{folder}/")]
    return sorted(found, key=_by_number, reverse=True)


def _by_number(folder: str) -> tuple[int, list[tuple[int, str]]]:
    parts = DIGITS.split(folder)
    return -folder.count("/"), [(int(part) if part.isdecimal() else -1, part) for part in parts]


def _has_config(listing: Listing, folder: str) -> bool:
    return f"{folder}/{CONFIG}" in listing.deeper
