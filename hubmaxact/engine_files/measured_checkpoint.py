"""The checkpoint that an export is put beside: the very weights that were measured, unquantized."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hubmaxact.engine_files.request import NotExportableError
from hubmaxact.errors import DigestMismatchError, NoCheckpointError
from hubmaxact.files import open_regular
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.recognition.folder import Folder
from hubmaxact.recognition.quantization import method_of
from hubmaxact.recognition.recognize import CONFIG
from hubmaxact.recognition.safetensors_header import read_header
from hubmaxact.recognition.scaled_cache import QUANTIZATION, SHARD, called
from hubmaxact.recognition.weights import INDEX, SINGLE, has_weights, weights_of
from hubmaxact.report.model_block import WeightFile


@dataclass(frozen=True, slots=True)
class MeasuredCheckpoint:
    """A folder, and what its small files say.

    Attributes:
        folder: Where it is.
        files: Names of all files in it.
        config: Content of config.json, without what an earlier export put there.
        metadata: Of its index, without what an earlier export added; empty without one.
        tensors: The weight file of each tensor, without an earlier export's.
    """

    folder: Path
    files: frozenset[str]
    config: dict[str, Any]
    metadata: dict[str, Any]
    tensors: dict[str, str]


def measured_checkpoint(folder: Path, measured: Sequence[WeightFile]) -> MeasuredCheckpoint:
    """Read a checkpoint's small files, and hold its weights against the measured ones.

    Args:
        folder: A local checkpoint.
        measured: The weight files of the report.

    Returns:
        What is there.

    Raises:
        NoCheckpointError: It is no checkpoint.
        NotExportableError: It is quantized already.
        DigestMismatchError: Its weights are not the measured ones.
        HubmaxactError: A file of it cannot be read, or lies.
    """
    listing = Folder(folder)
    if CONFIG not in listing.root or not has_weights(listing.root):
        raise NoCheckpointError(
            f"{listing.name} is no checkpoint: it lacks {CONFIG}, or both {SINGLE} and {INDEX}. "
            "Name the folder of the checkpoint that was measured with --checkpoint."
        )
    config, weights = listing.json(CONFIG), weights_of(listing)
    listing.refuse_pointers(weights.files)
    if SHARD in weights.files:
        config.pop(QUANTIZATION, None)
    if (method := method_of(config)) is not None:
        raise NotExportableError(
            f"{listing.name} is quantized already ({printable(method, 40)}), and its {CONFIG} has "
            "room for one quantization_config. Give the checkpoint that was measured."
        )
    files = [name for name in weights.files if name != SHARD]
    _compare(folder, files, measured)
    # By the measured files themselves: no digest speaks for the index.
    tensors = {tensor: file for file in files for tensor in read_header(folder / file)}
    return MeasuredCheckpoint(folder, listing.root, config, _metadata(listing), tensors)


def _metadata(listing: Folder) -> dict[str, Any]:
    """The index's metadata, its total without an earlier export's tensors."""
    found = listing.json(INDEX).get("metadata") if INDEX in listing.root else None
    metadata: dict[str, Any] = dict(found) if isinstance(found, dict) else {}
    total = metadata.get("total_size")
    if isinstance(total, int) and SHARD in listing.root:
        added = read_header(listing.folder / SHARD).values()
        metadata["total_size"] = total - sum(entry.num_bytes for entry in added)
    return metadata


def _compare(folder: Path, files: Collection[str], measured: Sequence[WeightFile]) -> None:
    """Refuse other weights than the measured: their scales would be another model's."""
    known = {called(file["path"], files): file for file in measured}
    shown = printable(str(folder), LONGEST_PATH)
    if different := sorted(set(files) ^ set(known)):
        raise DigestMismatchError(
            f"{shown} has other weight files than the report: {printable(different[0])} is only in "
            "one of them. Give the checkpoint that was measured."
        )
    for name in sorted(files):
        with open_regular(folder / name) as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 != known[name]["sha256"]:
            raise DigestMismatchError(
                f"{printable(name)} in {shown} has sha256 {sha256[:12]} and in the report "
                f"{printable(known[name]['sha256'][:12])}. Give the checkpoint that was measured."
            )
