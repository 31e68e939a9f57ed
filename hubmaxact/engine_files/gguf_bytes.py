"""Float32 tensors as the bytes of a GGUF file; the base install has no library for it.

The format, version 3, little-endian: a magic word, counts, keys with typed values, what each tensor
is and where it begins, then the tensors, each at a multiple of 32 bytes.
"""

import struct
import sys
from array import array
from collections.abc import Mapping, Sequence
from math import prod
from typing import NamedTuple

MAGIC, VERSION = b"GGUF", 3
ALIGNMENT = 32
UINT32, STRING, ARRAY = 4, 8, 9
F32 = 0

Value = int | str | Sequence[str]


class GgufTensor(NamedTuple):
    """A tensor of float32: its values, and its extents with the fastest first."""

    values: Sequence[float]
    extents: tuple[int, ...]


def encoded(keys: Mapping[str, Value], tensors: Mapping[str, GgufTensor]) -> bytes:
    """Return a whole file; equal arguments give equal bytes.

    Args:
        keys: Values by name: numbers of 32 bits, texts, or lists of texts.
        tensors: By name.

    Returns:
        The file's content, keys and tensors in the order of the arguments.
    """
    header = MAGIC + struct.pack("<IQQ", VERSION, len(tensors), len(keys))
    told = b"".join(_text(name) + _typed(value) for name, value in keys.items())
    infos, content = bytearray(), bytearray()
    for name, tensor in tensors.items():
        assert len(tensor.values) == prod(tensor.extents), name
        infos += _text(name) + struct.pack("<I", len(tensor.extents))
        infos += struct.pack(f"<{len(tensor.extents)}Q", *tensor.extents)
        infos += struct.pack("<IQ", F32, len(content))
        content += _aligned(_packed(tensor.values))
    return _aligned(header + told + bytes(infos)) + bytes(content)


def _typed(value: Value) -> bytes:
    if isinstance(value, int):
        return struct.pack("<II", UINT32, value)
    if isinstance(value, str):
        return struct.pack("<I", STRING) + _text(value)
    return struct.pack("<IIQ", ARRAY, STRING, len(value)) + b"".join(map(_text, value))


def _text(text: str) -> bytes:
    content = text.encode("utf-8")
    return struct.pack("<Q", len(content)) + content


def _packed(values: Sequence[float]) -> bytes:
    packed = array("f", values)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _aligned(content: bytes) -> bytes:
    return content + bytes(-len(content) % ALIGNMENT)
