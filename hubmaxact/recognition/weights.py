"""Which weight files a checkpoint loads, and which only lie beside them.

transformers takes `model.safetensors` where there is one, else the files that the index names, and
nothing else; PEFT takes `adapter_model.safetensors`. A second copy, another format or speculative
layers change nothing.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from hubmaxact.errors import IncompleteWeightsError, UnsafeCheckpointError
from hubmaxact.printable import printable
from hubmaxact.recognition.listing import Listing, named

SUFFIX = ".safetensors"
SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_model.safetensors"
LONGEST_SHARD_NAME = 200  # characters; file systems stop at 255 bytes


@dataclass(frozen=True, slots=True)
class Weights:
    """The weight files at the root of a place.

    Attributes:
        files: Names of those that are loaded, sorted.
        tensors: The file of each tensor, by the index; empty without one.
        beside: Names of safetensors files that nothing loads, sorted.
    """

    files: tuple[str, ...]
    tensors: dict[str, str]
    beside: tuple[str, ...]


def has_weights(paths: Collection[str], folder: str = "") -> bool:
    """Whether a folder ("" or "inner/") holds what transformers looks for."""
    return f"{folder}{SINGLE}" in paths or f"{folder}{INDEX}" in paths


def loaded_tensors(
    paths: Collection[str], read_index: Callable[[str], Mapping[str, Any]], folder: str = ""
) -> dict[str, str] | None:
    """Tell which of the files in a folder are loaded, and for which tensors.

    Args:
        paths: All there is, by path.
        read_index: Reads the JSON object at a path.
        folder: "" or "inner/".

    Returns:
        Paths by tensor, "" for all of a single file; some may not be there. None: nothing says
        which, for want of all names.

    Raises:
        IncompleteWeightsError: The index names no files.
    """
    if f"{folder}{SINGLE}" in paths:
        return {"": f"{folder}{SINGLE}"}
    if f"{folder}{INDEX}" not in paths:
        adapter = f"{folder}{ADAPTER}"
        return {"": adapter} if adapter in paths else None
    tensors = weight_map(read_index(f"{folder}{INDEX}"))
    return {tensor: f"{folder}{file}" for tensor, file in tensors.items()}


def left_aside(name: str, beside: Collection[str]) -> str:
    """Return the sentence about files that a place holds and nothing loads; "" if there are none.

    Args:
        name: How the place is called.
        beside: The files.

    Returns:
        One line for people.
    """
    if not beside:
        return ""
    verb = "is" if len(beside) == 1 else "are"
    return f"In {name}, {named(beside)} {verb} not loaded by the checkpoint, and not measured."


def weight_map(index: Mapping[str, Any]) -> dict[str, str]:
    """Return the file of each tensor; all that counts in an index.

    Args:
        index: The content of the index, whoever wrote it.

    Returns:
        File names by tensor, not yet checked.

    Raises:
        IncompleteWeightsError: It names none.
    """
    found = index.get("weight_map")
    if not isinstance(found, dict) or not found:
        raise IncompleteWeightsError(f"{INDEX} has no weight_map. Save the checkpoint again.")
    return {str(name): str(file) for name, file in found.items()}


def weights_of(listing: Listing) -> Weights:
    """Find the weights of a place that `has_weights`.

    Args:
        listing: A folder or a repository.

    Returns:
        What is loaded, and what lies beside it.

    Raises:
        UnsafeCheckpointError: The weights are there twice, or the index names no plain file.
        IncompleteWeightsError: The index is empty, or names a file that is not there.
    """
    tensors = weight_map(listing.json(INDEX)) if INDEX in listing.root else {}
    files = frozenset(tensors.values()) or frozenset({SINGLE})
    # transformers would load the one file and not look at the index.
    if SINGLE in listing.root and files != {SINGLE}:
        raise UnsafeCheckpointError(
            f"{listing.name} has its weights twice, in {SINGLE} and in the files of {INDEX}. "
            "Remove one of the two."
        )
    for file in sorted(files):
        _require(file, listing)
    beside = (path for path in listing.root - files if path.endswith(SUFFIX))
    return Weights(tuple(sorted(files)), tensors, tuple(sorted(beside)))


def _require(file: str, listing: Listing) -> None:
    """A file that the index names lies in the folder, whatever the index says."""
    posix, windows = PurePosixPath(file), PureWindowsPath(file)
    is_plain = posix.name == windows.name == file
    if not is_plain or posix.suffix != SUFFIX or len(file) > LONGEST_SHARD_NAME:
        raise UnsafeCheckpointError(
            f"{INDEX} names a shard {ascii(file)[:80]}, which is not the name of a safetensors "
            f"file in {listing.name}. Save the checkpoint again."
        )
    if file not in listing.root:
        refusal = IncompleteWeightsError(
            f"{INDEX} names {printable(file)}, which is not there. "
            "Download or save the checkpoint again."
        )
        raise listing.lacking(file, refusal)
