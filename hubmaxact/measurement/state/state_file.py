"""A kept state as one file: for the run that goes on, for another machine, for another process.

A safetensors file of two tensors of bytes: the state's tensors one after another, each made small,
and what is said about them, as JSON. The header is as long for every state, so it is written last
and tensors go to the file one by one; its metadata has the digest of all that follows it. The
header itself holds nothing else, and is compared to the last bit.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from torch import Tensor

from hubmaxact.errors import HubmaxactError, UnsafeCheckpointError
from hubmaxact.files import open_regular, replacing
from hubmaxact.measurement.state import about as texts
from hubmaxact.measurement.state.about import About, StoredForm
from hubmaxact.measurement.state.compact import DamagedError, Form, pack, unpack
from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.recognition.safetensors_header import checked_header

FORMAT, VERSION = "hubmaxact-state", 1
HEADER_BYTES = 512  # with the eight of its length
DIGEST = re.compile("[0-9a-f]{64}")
MARK = "state-"
"""In the names of temporary files."""


class StateError(HubmaxactError):
    """Raised when a kept state is damaged, another run's or held by another process."""


@dataclass(frozen=True, slots=True)
class KeptState:
    """Statistics of whole batches, and of which ones.

    Attributes:
        run: What tells this run from others, as JSON.
        share: Which share of the plan the run takes, such as "0/4"; empty for all of it.
        done: Batches that the statistics hold, by their index in the plan, ascending.
        tensors: The statistics.
    """

    run: dict[str, Any]
    share: str
    done: tuple[int, ...]
    tensors: State


class ForeignFileError(ValueError):
    """Raised when a file is something else than a state, or a newer version's."""


def write_state(path: Path, kept: KeptState) -> None:
    """Put a state in the place of a file, all or nothing.

    Args:
        path: The file.
        kept: What it is to hold; its tensors are made small one at a time.

    Raises:
        WriteError: The folder is missing, read-only or full; the old file is intact.
        ValueError: Batches do not ascend, integers are negative, or the run is not JSON.
    """
    with replacing(path, MARK) as file:
        _write(file, kept)


def encode(kept: KeptState) -> bytes:
    """Return what `write_state` writes.

    Args:
        kept: A state.

    Returns:
        The content of a file; equal states give equal bytes.
    """
    file = BytesIO()
    _write(file, kept)
    return file.getvalue()


def read_state(path: Path) -> KeptState:
    """Read a file that `write_state` wrote.

    Args:
        path: The file, whoever wrote it.

    Returns:
        The state, to the last bit.

    Raises:
        StateError: It cannot be read, is no state, or is damaged.
    """
    with _reading(path) as file:
        return _read(file)


def decode(content: bytes, name: str) -> KeptState:
    """The same of a file's content.

    Args:
        content: What `encode` gave.
        name: What sentences call it.

    Returns:
        The state.

    Raises:
        StateError: It is no state, or is damaged.
    """
    with _told(name):
        return _read(BytesIO(content))


def read_about(path: Path) -> About:
    """Return what a file says of itself; no digest was compared, and no tensor read.

    Args:
        path: The file.

    Returns:
        Its run, share and batches.

    Raises:
        StateError: As `read_state` does.
    """
    with _reading(path) as file:
        return _opened(file)[0]


def _write(file: BinaryIO, kept: KeptState) -> None:
    digest, stored = hashlib.sha256(), list[StoredForm]()
    file.write(bytes(HEADER_BYTES))
    for name, tensor in kept.tensors.items():
        form, content = pack(tensor)
        if _is_negative(form, tensor):
            raise ValueError(f"{name} has negative integers")
        stored.append(StoredForm(name, form, len(content)))
        digest.update(content)
        file.write(content)
    text = texts.encode(About(kept.run, kept.share, kept.done, tuple(stored)))
    digest.update(text)
    file.write(text)
    file.seek(0)
    file.write(_header(sum(each.size for each in stored), len(text), digest.hexdigest()))


def _header(tensors: int, text: int, digest: str) -> bytes:
    metadata = {"format": FORMAT, "version": str(VERSION), "sha256": digest}
    header = {
        "__metadata__": metadata,
        "tensors": {"dtype": "U8", "shape": [tensors], "data_offsets": [0, tensors]},
        "about": {"dtype": "U8", "shape": [text], "data_offsets": [tensors, tensors + text]},
    }
    length = HEADER_BYTES - 8
    said = json.dumps(header, separators=(",", ":")).encode().ljust(length)
    assert len(said) == length
    return length.to_bytes(8, "little") + said


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    shown = printable(str(path), LONGEST_PATH)
    try:
        with open_regular(path) as file, _told(shown):
            yield file
    except OSError as error:
        raise StateError(f"cannot read {shown}: {error.strerror}. Name another file.") from error


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Say what is wrong with a file in a sentence."""
    try:
        yield
    except ForeignFileError as error:
        raise StateError(f"{name} {error}") from error
    except DamagedError as error:
        raise StateError(
            f"{name} is no whole state of a measurement ({error}). Name another file, or remove it "
            "and run the command that wrote it again."
        ) from error


def _opened(file: BinaryIO) -> tuple[About, bytes, str]:
    """What a file says of itself, as that is written, and the digest it names."""
    size = file.seek(0, 2)
    file.seek(0)
    try:
        header = checked_header("it", size, file.read)
    except UnsafeCheckpointError as error:
        found = (
            str(error).partition(": ")[2].removesuffix(" Download or save the checkpoint again.")
        )
        raise DamagedError(found.removesuffix(".")) from error
    digest = _digest(file)
    if set(header) != {"tensors", "about"}:
        raise DamagedError("other tensors in its header")
    tensors, text = header["tensors"].num_bytes, header["about"].num_bytes
    file.seek(0)
    if file.read(HEADER_BYTES) != _header(tensors, text, digest):
        raise DamagedError("another header than its tensors have")
    if text > texts.MOST_BYTES:
        raise DamagedError("more text than a state has")
    file.seek(HEADER_BYTES + tensors)
    content = file.read(text)
    about = texts.decode(content)
    if sum(each.size for each in about.stored) != tensors:
        raise DamagedError("tensors that do not fill it")
    return about, content, digest


def _digest(file: BinaryIO) -> str:
    """The digest that a header names, once it is known that the file is a state."""
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    metadata: dict[str, str] = json.loads(file.read(length)).get("__metadata__", {})
    if metadata.get("format") != FORMAT:
        raise ForeignFileError(
            "is a safetensors file and no state of a measurement. Name a file that --shard wrote."
        )
    version = metadata.get("version", "")
    if version != str(VERSION):
        raise ForeignFileError(
            f"has version {printable(version, 20)} of a state's format, and this hubmaxact reads "
            f"version {VERSION}. Use the hubmaxact that wrote it."
        )
    digest = metadata.get("sha256", "")
    if not DIGEST.fullmatch(digest):
        raise DamagedError("no digest in its header")
    return digest


def _read(file: BinaryIO) -> KeptState:
    about, text, told = _opened(file)
    file.seek(HEADER_BYTES)
    digest, tensors = hashlib.sha256(), State()
    for each in about.stored:
        content = file.read(each.size)
        digest.update(content)
        tensors[each.name] = unpack(each.form, content)
        if _is_negative(each.form, tensors[each.name]):
            raise DamagedError("a negative count")
    digest.update(text)
    if digest.hexdigest() != told:
        raise DamagedError("another digest than its bytes have")
    return KeptState(about.run, about.share, about.done, tensors)


def _is_negative(form: Form, tensor: Tensor) -> bool:
    """Whether integers, which are counts, digits and places in every state, are below zero."""
    return form.dtype == "int64" and form.of_value == 8 and bool((tensor < 0).any())
