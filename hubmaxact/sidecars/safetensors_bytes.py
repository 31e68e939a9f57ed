"""Tensors as the bytes of a safetensors file, and back; the base install has no library for it.

The format: eight bytes of header length (little-endian), a JSON header, then the tensors' bytes.
"""

import json
import sys
from array import array
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

ALIGNMENT = 8
FOR_TORCH = {"format": "pt"}
"""What loaders of weights ask metadata for."""

CODES = {"F32": "f", "F64": "d", "I64": "q"}
"""Dtypes that are written and read here -> how `array` calls them."""


class StoredTensor(NamedTuple):
    """A tensor: its values in row-major order, or their bytes; its shape; and a key of CODES."""

    values: Sequence[float] | bytes
    shape: tuple[int, ...]
    dtype: str = "F32"


def encoded(tensors: Mapping[str, StoredTensor], metadata: Mapping[str, str]) -> bytes:
    """Return a whole file; equal arguments give equal bytes.

    Args:
        tensors: By name.
        metadata: Text by name.

    Returns:
        The file's content: the widest dtypes first, so that all lie where they may be read in
        place, and in the order of their names.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    content = bytearray()
    for name, tensor in sorted(tensors.items(), key=lambda item: (-_width(item[1]), item[0])):
        begin = len(content)
        content += _packed(tensor)
        assert len(content) - begin == _width(tensor) * prod(tensor.shape), name
        header[name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [begin, len(content)],
        }
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text + bytes(content)


def size(tensors: Mapping[str, StoredTensor]) -> int:
    """Bytes of the tensors themselves."""
    return sum(_width(tensor) * prod(tensor.shape) for tensor in tensors.values())


def numbers(dtype: str, content: bytes) -> Sequence[float]:
    """Return the numbers in a tensor's bytes.

    Args:
        dtype: A key of CODES.
        content: Row-major, little-endian.

    Returns:
        As many as there are, NaN and infinities as they are.
    """
    found: array[Any] = array(CODES[dtype])
    found.frombytes(content)
    _turn(found)
    return found


def _width(tensor: StoredTensor) -> int:
    return array(CODES[tensor.dtype]).itemsize


def _packed(tensor: StoredTensor) -> bytes:
    if isinstance(tensor.values, bytes):
        return tensor.values
    packed: array[Any] = array(CODES[tensor.dtype], tensor.values)
    _turn(packed)
    return packed.tobytes()


def _turn(found: "array[Any]") -> None:
    """Swap bytes where this machine is no little-endian one."""
    if sys.byteorder == "big":
        found.byteswap()
