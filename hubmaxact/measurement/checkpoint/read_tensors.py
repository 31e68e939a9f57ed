"""Tensors of a safetensors file that are read when they are asked for, and not mapped.

A mapped file counts as memory of the process as far as it was read. safetensors reads without
mapping too, but with the interpreter's lock held, so that nothing else runs meanwhile.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

import torch
from torch import Tensor

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.printable import printable
from hubmaxact.recognition.safetensors_header import TensorEntry

DTYPES = {
    "BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "U16": torch.uint16,
    "I16": torch.int16, "U32": torch.uint32, "I32": torch.int32, "U64": torch.uint64,
    "I64": torch.int64, "BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32,
    "F64": torch.float64, "C64": torch.complex64, "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2, "F8_E8M0": torch.float8_e8m0fnu,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz, "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
}  # fmt: skip
"""Whole bytes an element; none of these is stored in another byte order than little-endian."""


class ReadTensor:
    """One tensor of a file, as safetensors' slices are used.

    Args:
        file: Open and unbuffered.
        lock: Of the file: who reads it moves it.
        entry: What the file's header declares.
    """

    def __init__(self, file: BinaryIO, lock: Lock, entry: TensorEntry) -> None:
        self._file, self._lock, self._entry = file, lock, entry

    def get_shape(self) -> list[int]:
        """Tell its shape."""
        return list(self._entry.shape)

    def __getitem__(self, index: Any) -> Tensor:
        """Read all of it, and return that part."""
        x = torch.empty(self._entry.shape, dtype=DTYPES[self._entry.dtype])
        left = x.flatten().view(torch.uint8).numpy().data
        with self._lock:
            self._file.seek(self._entry.begin)
            while left and (read := self._file.readinto(left)):  # type: ignore[attr-defined]
                left = left[read:]
        if left:
            raise EOFError(f"{self._file.name} ends before {self._entry.begin + x.nbytes} bytes")
        part: Tensor = x[index]
        return part


@contextmanager
def read_tensors(path: Path, entries: Mapping[str, TensorEntry]) -> Iterator[dict[str, ReadTensor]]:
    """Open a file.

    Args:
        path: It, its header checked.
        entries: Some of what that declares.

    Yields:
        The tensors by name, good while the block runs.

    Raises:
        UnsafeCheckpointError: One is stored in a number format that torch has no dtype for.
    """
    for name, entry in entries.items():
        if entry.dtype not in DTYPES:
            raise UnsafeCheckpointError(
                f"{printable(name)} is stored as {entry.dtype}, which is not read layer by layer. "
                "Leave out --stream."
            )
    with path.open("rb", buffering=0) as file:
        lock = Lock()
        yield {name: ReadTensor(file, lock, entry) for name, entry in entries.items()}
