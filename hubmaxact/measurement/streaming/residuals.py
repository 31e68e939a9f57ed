"""The residual stream of one batch between two layers: on the device, in host memory or on disk.

What comes back is what was put in, to the last bit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from hubmaxact.errors import OutOfMemoryError
from hubmaxact.printable import LONGEST_PATH, printable


class Residual(Protocol):
    """Keeps one tensor."""

    def put(self, x: Tensor) -> None:
        """Keep it in the place of the one before."""

    def take(self) -> Tensor:
        """Hand it back, on its device; it is kept no more."""


class OnDevice:
    """Keeps the tensor itself."""

    def __init__(self) -> None:
        self._x: Tensor | None = None

    def put(self, x: Tensor) -> None:
        """Keep it in the place of the one before."""
        self._x = x

    def take(self) -> Tensor:
        """Hand it back; it is kept no more."""
        x, self._x = self._x, None
        assert x is not None, "a residual stream is put in before it is taken"
        return x


class InHostMemory:
    """Keeps a copy in memory that an accelerator copies to and from while the host goes on."""

    def __init__(self) -> None:
        self._pinned: Tensor | None = None
        self._device = torch.device("cpu")

    def put(self, x: Tensor) -> None:
        """Copy it, queued behind what makes it."""
        if self._pinned is None or _shaped(self._pinned) != _shaped(x):
            self._pinned = torch.empty_strided(
                x.size(), x.stride(), dtype=x.dtype, pin_memory=x.is_cuda
            )
        self._pinned.copy_(x, non_blocking=True)
        self._device = x.device

    def take(self) -> Tensor:
        """Copy it back, queued behind what the device still does."""
        assert self._pinned is not None, "a residual stream is put in before it is taken"
        return self._pinned.to(self._device, non_blocking=True)


class OnDisk:
    """Keeps the bytes in a file.

    Args:
        path: Of a file that is not there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._like, self._device = torch.empty(0), torch.device("cpu")

    def put(self, x: Tensor) -> None:
        """Write it."""
        self._like, self._device = torch.empty_like(x, device="meta"), x.device
        with _told(self._path), self._path.open("wb", buffering=0) as file:
            left = _bytes(x.cpu().contiguous())
            while left:
                left = left[file.write(left) or 0 :]

    def take(self) -> Tensor:
        """Read it."""
        x = torch.empty(self._like.shape, dtype=self._like.dtype)
        left = _bytes(x)
        with _told(self._path), self._path.open("rb", buffering=0) as file:
            while left and (read := file.readinto(left)):
                left = left[read:]
            if left:
                raise EOFError("it was cut")
        if self._like.is_contiguous():
            return x.to(self._device)
        strided = torch.empty_strided(x.size(), self._like.stride(), dtype=x.dtype)
        return strided.copy_(x).to(self._device)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError) as error:
        raise OutOfMemoryError(
            "a part of the residual stream could not be kept in a temporary folder "
            f"({printable(str(path.parent), LONGEST_PATH)}): "
            f"{getattr(error, 'strerror', None) or error}. Set TMPDIR to a folder with more room."
        ) from error


def _shaped(x: Tensor) -> tuple[object, ...]:
    return x.size(), x.stride(), x.dtype


def _bytes(x: Tensor) -> memoryview:
    return x.flatten().view(torch.uint8).numpy().data
