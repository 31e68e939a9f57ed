"""Float32 tensors as the bytes of a safetensors file; the base install has no library for it.

The format: eight bytes of header length (little-endian), a JSON header, then the tensors' bytes.
"""

import json
import struct
from collections.abc import Mapping
from math import prod
from typing import NamedTuple

ALIGNMENT = 8
BYTES = 4


class Floats(NamedTuple):
    """A tensor of float32: its values in row-major order, and its shape."""

    values: tuple[float, ...]
    shape: tuple[int, ...]


def encoded(tensors: Mapping[str, Floats], metadata: Mapping[str, str]) -> bytes:
    """Return a whole file; equal arguments give equal bytes.

    Args:
        tensors: By name.
        metadata: Text by name.

    Returns:
        The file's content, tensors in the order of their names.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt", **metadata}}
    content = bytearray()
    for name, (values, shape) in sorted(tensors.items()):
        assert len(values) == prod(shape), name
        begin = len(content)
        content += struct.pack(f"<{len(values)}f", *values)
        header[name] = {
            "dtype": "F32",
            "shape": list(shape),
            "data_offsets": [begin, len(content)],
        }
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text + bytes(content)


def size(tensors: Mapping[str, Floats]) -> int:
    """Bytes of the tensors themselves."""
    return BYTES * sum(len(tensor.values) for tensor in tensors.values())
