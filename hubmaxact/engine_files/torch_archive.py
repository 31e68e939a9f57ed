"""A dict of float32 tensors as `torch.save` writes it; the base install has no torch.

The format: a zip of stored records; `data.pkl` is a pickle that rebuilds each tensor from a
storage, which is a record of its own. Only what `torch.load(weights_only=True)` allows is in it.
"""

import io
import pickle
import struct
import sys
import zipfile
from array import array
from collections.abc import Iterator, Mapping, Sequence

ROOT = "archive"
BYTE_ORDER = "little"
VERSION = b"3\n"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # a clock would make other bytes of equal tensors

REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
STORAGE = b"ctorch\nFloatStorage\n"
NO_HOOKS = b"ccollections\nOrderedDict\n)R"


def encoded(tensors: Mapping[str, Sequence[float]], extra: Mapping[str, bytes]) -> bytes:
    """Return a whole file; equal arguments give equal bytes.

    Args:
        tensors: Numbers of one-dimensional tensors, by name.
        extra: Other records by name, which torch hands out as `_extra_files`.

    Returns:
        The file's content, tensors in the order of their names.
    """
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as archive:
        for name, content in _records(dict(sorted(tensors.items())), extra):
            archive.writestr(zipfile.ZipInfo(f"{ROOT}/{name}", LONG_AGO), content)
    return stored.getvalue()


def _records(
    tensors: Mapping[str, Sequence[float]], extra: Mapping[str, bytes]
) -> Iterator[tuple[str, bytes]]:
    for name, content in extra.items():
        yield f"extra/{name}", content
    yield "data.pkl", _pickled({name: len(values) for name, values in tensors.items()})
    yield "byteorder", BYTE_ORDER.encode("ascii")
    for number, values in enumerate(tensors.values()):
        packed = array("f", values)
        if sys.byteorder != BYTE_ORDER:
            packed.byteswap()
        yield f"data/{number}", packed.tobytes()
    yield "version", VERSION


def _pickled(lengths: Mapping[str, int]) -> bytes:
    """A pickle, protocol 2, of a dict of tensors by the numbers of their storages."""
    parts = [pickle.PROTO, b"\x02", pickle.EMPTY_DICT, pickle.MARK]
    for number, (name, length) in enumerate(lengths.items()):
        parts += [_text(name), *_tensor(number, length)]
    return b"".join([*parts, pickle.SETITEMS, pickle.STOP])


def _tensor(number: int, length: int) -> Iterator[bytes]:
    """_rebuild_tensor_v2(storage, offset 0, size, stride, requires_grad, hooks)."""
    yield from (REBUILD, pickle.MARK)
    yield from (pickle.MARK, _text("storage"), STORAGE, _text(str(number)), _text("cpu"))
    yield from (_whole(length), pickle.TUPLE, pickle.BINPERSID, _whole(0))
    yield from (_whole(length), pickle.TUPLE1, _whole(1), pickle.TUPLE1, pickle.NEWFALSE)
    yield from (NO_HOOKS, pickle.TUPLE, pickle.REDUCE)


def _text(text: str) -> bytes:
    content = text.encode("utf-8")
    return pickle.BINUNICODE + struct.pack("<I", len(content)) + content


def _whole(number: int) -> bytes:
    return pickle.BININT + struct.pack("<i", number)
