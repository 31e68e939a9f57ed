"""A checkpoint with scales: a shard more, an index and a config.json that say so.

Its weights are never written. Beside it, as a folder of links; or in it, in an order in which
whatever kills the export leaves a checkpoint that loads, the old one or the new.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hubmaxact.engine_files.checkpoint_names import in_checkpoint
from hubmaxact.engine_files.measured_checkpoint import MeasuredCheckpoint, measured_checkpoint
from hubmaxact.engine_files.new_folder import new_folder
from hubmaxact.engine_files.request import CheckpointChange
from hubmaxact.files import WriteError, write_bytes
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.recognition.folder import Folder
from hubmaxact.recognition.recognize import CONFIG
from hubmaxact.recognition.scaled_cache import QUANTIZATION, RENAMED, SHARD
from hubmaxact.recognition.weights import INDEX, SINGLE, weight_map
from hubmaxact.report.model_block import WeightFile
from hubmaxact.sidecars.safetensors_bytes import FOR_TORCH, encoded, size


@dataclass(frozen=True, slots=True)
class Changed:
    """The files of a changed checkpoint.

    Attributes:
        base: The checkpoint without them.
        shard: Content of the new shard.
        index: Of the index.
        config: Of config.json.
    """

    base: MeasuredCheckpoint
    shard: bytes
    index: bytes
    config: bytes

    @property
    def names(self) -> dict[str, str]:
        """Names of the files that stay, and what each is called from now on."""
        replaced = {CONFIG, INDEX, SHARD}
        kept = sorted(name for name in self.base.files - replaced if not name.startswith("."))
        return {name: RENAMED if name == SINGLE else name for name in kept}


def changed(folder: Path, measured: list[WeightFile], change: CheckpointChange) -> Changed:
    """Work out the files; nothing is written.

    Args:
        folder: The checkpoint that was measured.
        measured: The weight files of the report.
        change: What is to be added.

    Returns:
        Their contents.

    Raises:
        HubmaxactError: It is not the checkpoint that was measured, or cannot take the scales.
    """
    base = measured_checkpoint(folder, measured)
    names = in_checkpoint(change.scales, base.tensors)
    scales = {
        f"{names[module]}.{name}": tensor
        for module, tensors in change.scales.items()
        for name, tensor in tensors.items()
    }
    weight_map = {
        **{tensor: RENAMED if file == SINGLE else file for tensor, file in base.tensors.items()},
        **dict.fromkeys(scales, SHARD),
    }
    index = {"metadata": _metadata(base, size(scales)), "weight_map": weight_map}
    return Changed(
        base,
        encoded(scales, FOR_TORCH | change.origin.as_text()),
        _json(index),
        _json(base.config | {QUANTIZATION: change.configuration}),
    )


def write_beside(new: Changed, output: Path) -> None:
    """Write the checkpoint as a new folder of links to the old one's files.

    Args:
        new: Its files.
        output: The folder, which is not there yet or is empty.

    Raises:
        WriteError: It cannot be written, or links cannot be made there.
    """
    with new_folder(output) as folder:
        for name, called in new.names.items():
            _link(new.base.folder / name, folder / called)
        write_bytes(folder / SHARD, new.shard)
        write_bytes(folder / INDEX, new.index)
        write_bytes(folder / CONFIG, new.config)


def write_into(new: Changed) -> None:
    """Write the files into the checkpoint itself.

    Args:
        new: Its files.

    Raises:
        WriteError: A file cannot be written; what is there still loads.
    """
    for step in steps_into(new):
        step()


def steps_into(new: Changed) -> Iterator[Callable[[], None]]:
    """Yield what writes the files, in an order in which the checkpoint loads after every step.

    A single weight file gets its second name first and loses its old one when the index is there;
    config.json, which makes engines look for the scales, comes last.

    Args:
        new: Its files.

    Yields:
        What is to be called.
    """
    folder, is_single = new.base.folder, SINGLE in new.base.files
    yield partial(write_bytes, folder / SHARD, new.shard)
    if is_single:
        yield partial(_second_name, folder / SINGLE, folder / RENAMED)
    yield partial(write_bytes, folder / INDEX, new.index)
    if is_single:
        yield partial(_drop_name, folder / SINGLE)
    yield partial(write_bytes, folder / CONFIG, new.config)


def finish(folder: Path) -> None:
    """Take the last step but one of an export into a checkpoint that was killed before it.

    Args:
        folder: A checkpoint whose single weight file has both names, and the index tells the new.

    Raises:
        HubmaxactError: The index cannot be read, or the old name cannot be taken away.
    """
    old, new = folder / SINGLE, folder / RENAMED
    if not (old.exists() and new.exists() and old.samefile(new) and (folder / INDEX).exists()):
        return
    if set(weight_map(Folder(folder).json(INDEX)).values()) == {RENAMED, SHARD}:
        _drop_name(old)


def _metadata(base: MeasuredCheckpoint, added: int) -> dict[str, Any]:
    total = base.metadata.get("total_size")
    if not isinstance(total, int):
        return base.metadata
    return base.metadata | {"total_size": total + added}


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def _link(target: Path, link: Path) -> None:
    """A link to the file itself, however many links lead to it; a second name where none may be."""
    try:
        link.symlink_to(os.path.realpath(target))
    except OSError:
        _second_name(target, link)


def _second_name(target: Path, name: Path) -> None:
    """Another name for a file; one that an export which was killed left is as good."""
    try:
        if not (name.exists() and name.samefile(target)):
            os.link(os.path.realpath(target), name)
    except OSError as error:
        shown = printable(str(name), LONGEST_PATH)
        raise WriteError(
            f"cannot link {shown} to the weights: {error.strerror}. Choose a folder on the same "
            "disk, or --write-into a copy of the checkpoint."
        ) from error


def _drop_name(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        shown = printable(str(path), LONGEST_PATH)
        raise WriteError(
            f"cannot take {shown} away, which has another name now: {error.strerror}. Remove it, "
            "and export again."
        ) from error
