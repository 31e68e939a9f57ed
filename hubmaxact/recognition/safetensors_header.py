"""A safetensors header, checked before any weight is read. Knows no torch.

The format: eight bytes of header length (little-endian), a JSON header, then the tensors' bytes,
contiguous and in the header's order of offsets. Everything here is hostile until checked.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.printable import counted, printable

PREFIX = 8  # bytes: the header's length
MOST_HEADER_BYTES = 25_000_000  # as huggingface_hub
MOST_TENSORS = 200_000
MOST_DIMENSIONS = 32
MOST_MARKS = 10 * MOST_TENSORS  # brackets and commas of that many tensors
MOST_ELEMENTS = 1 << 62
TENSOR_NAME = re.compile(r"[A-Za-z0-9_.\-/]{1,256}")

DTYPE_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64, "C64": 64,
    "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip
"""Bits per element of each dtype safetensors 0.8 knows."""


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One tensor as its header declares it; `begin` is the byte of the file where it begins."""

    dtype: str
    shape: tuple[int, ...]
    num_bytes: int
    begin: int


Header = dict[str, TensorEntry]


def read_header(path: Path) -> Header:
    """Read and check the header of one safetensors file.

    Args:
        path: A file, whoever wrote it.

    Returns:
        Dtype, shape and size in bytes of each tensor, by name.

    Raises:
        UnsafeCheckpointError: The file is truncated, too large in its header, or contradicts
            itself; the message names the file and what was found.
    """
    with path.open("rb") as file:
        return checked_header(path.name, path.stat().st_size, file.read)


def checked_header(name: str, size: int, read: Callable[[int], bytes]) -> Header:
    """Check the header of a safetensors file that lies anywhere.

    Args:
        name: The file's.
        size: All its bytes.
        read: Gives the next bytes from its beginning, as many as it is told.

    Returns:
        As `read_header`.

    Raises:
        UnsafeCheckpointError: Likewise.
    """
    prefix = read(PREFIX)
    length = int.from_bytes(prefix, "little")
    if len(prefix) < PREFIX or length > size - PREFIX:
        declared = counted(length, "byte")
        found = f"{counted(size, 'byte')}, too few for the header it declares ({declared})"
        raise _refusal(name, found if len(prefix) == PREFIX else f"only {counted(size, 'byte')}")
    if length > MOST_HEADER_BYTES:
        raise _refusal(name, f"a header of {length} bytes, more than {MOST_HEADER_BYTES}")
    entries = _entries(name, read(length))
    _check_extent(name, entries, size - PREFIX - length)
    return {tensor: entry for tensor, (entry, _) in entries.items()}


def _refusal(file: str, found: str) -> UnsafeCheckpointError:
    return UnsafeCheckpointError(
        f"{printable(file)} is not a sound safetensors file: {found}. "
        "Download or save the checkpoint again."
    )


Offsets = tuple[int, int]


def _entries(file: str, content: bytes) -> dict[str, tuple[TensorEntry, Offsets]]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = dict(pairs)
        if len(names) < len(pairs):
            raise _refusal(file, "the same name twice in its header")
        return names

    # Counted first: a parser makes hundreds of bytes of objects of every few bytes of text.
    if sum(map(content.count, (b"{", b"[", b","))) > MOST_MARKS:
        raise _refusal(file, f"a header of more values than {MOST_TENSORS} tensors have")
    try:
        header = json.loads(content.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise _refusal(file, "a header that is not JSON") from error
    if not isinstance(header, dict):
        raise _refusal(file, "a header that is not a JSON object")
    if not _is_metadata(header.pop("__metadata__", {})):
        raise _refusal(file, "metadata that is not text by name")
    if len(header) > MOST_TENSORS:
        raise _refusal(file, f"{len(header)} tensors, more than {MOST_TENSORS}")
    start = PREFIX + len(content)
    return {name: _entry(file, name, declared, start) for name, declared in header.items()}


def _entry(file: str, name: str, declared: Any, start: int) -> tuple[TensorEntry, Offsets]:
    if not TENSOR_NAME.fullmatch(name):
        raise _refusal(file, f"a tensor name with forbidden characters ({ascii(name)[:60]})")
    if not _is_entry(declared):
        raise _refusal(file, f"an entry for {name} that is not dtype, shape and two offsets")
    elements = _product(declared["shape"])
    begin, end = declared["data_offsets"]
    if elements * DTYPE_BITS[declared["dtype"]] != (end - begin) * 8:
        said = f"{declared['dtype']} {declared['shape']}"
        raise _refusal(
            file, f"{counted(end - begin, 'byte')} for {name}, whose shape is {said}"[:200]
        )
    shape = tuple(declared["shape"])
    entry = TensorEntry(declared["dtype"], shape, end - begin, start + begin)
    return entry, (begin, end)


def _product(shape: list[int]) -> int:
    """How many elements a shape has, as far as any file could hold them."""
    elements = 1
    for extent in sorted(shape):  # a zero first: it outweighs everything
        elements = min(elements * extent, MOST_ELEMENTS)
    return elements


def _is_entry(declared: Any) -> bool:
    return (
        isinstance(declared, Mapping)
        and isinstance(declared.get("dtype"), str)
        and declared["dtype"] in DTYPE_BITS
        and _are_sizes(declared.get("shape"))
        and _are_sizes(declared.get("data_offsets"))
        and len(declared["shape"]) <= MOST_DIMENSIONS
        and len(declared["data_offsets"]) == 2
    )


def _is_metadata(declared: Any) -> bool:
    return isinstance(declared, Mapping) and all(
        isinstance(value, str) for value in declared.values()
    )


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(
        type(value) is int and 0 <= value < 1 << 62 for value in values
    )


def _check_extent(file: str, entries: Mapping[str, tuple[TensorEntry, Offsets]], size: int) -> None:
    """Tensors must fill the rest of the file exactly: no overlap, no hole, nothing behind."""
    position = 0
    for name, (_, (begin, end)) in sorted(entries.items(), key=lambda item: item[1][1]):
        if begin != position:
            raise _refusal(file, f"{name} at byte {begin}, where byte {position} was expected")
        position = end
    if position != size:
        raise _refusal(
            file, f"{counted(size, 'byte')} of tensors, where the header declares {position:,}"
        )
