"""A tensor as few bytes, and back to the last bit: most counts of a histogram are zero.

Every element is taken as the bits it has, whatever its dtype. Its highest bytes are left out where
they are zero in all elements, and where it is smaller, only elements other than zero are stored,
each behind its place.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Words = npt.NDArray[np.unsignedinteger[Any]]

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
        torch.float8_e4m3fn, torch.float8_e5m2, torch.float16, torch.bfloat16,
        torch.float32, torch.float64,
    )
}  # fmt: skip
"""Name in a file -> dtype."""

BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Bytes of an element -> a dtype of as many that numpy has too."""

FEW = 4096
"""Elements that are copied to the host as they are: a GPU is waited for once."""


class DamagedError(ValueError):
    """Raised when bytes are not those of the tensor that they are said to be."""


@dataclass(frozen=True, slots=True)
class Form:
    """What makes bytes a tensor again.

    Attributes:
        dtype: A key of DTYPES.
        shape: The tensor's.
        of_place: Bytes that tell where an element is. 0: all are stored, in row-major order.
        of_value: Bytes that tell an element, the lowest first.
    """

    dtype: str
    shape: tuple[int, ...]
    of_place: int
    of_value: int

    @property
    def num_elements(self) -> int:
        """Elements of the tensor."""
        return prod(self.shape)

    @property
    def num_bytes(self) -> int:
        """Bytes of the tensor."""
        return self.num_elements * DTYPES[self.dtype].itemsize

    @property
    def is_sound(self) -> bool:
        """Whether elements and places have as many bytes as they may."""
        places = {0, _width(self.num_elements - 1)}
        least = 1 if self.of_place else 0
        return self.of_place in places and least <= self.of_value <= DTYPES[self.dtype].itemsize


def pack(tensor: Tensor) -> tuple[Form, bytes]:
    """Make a tensor small.

    Args:
        tensor: Of any shape and a dtype of DTYPES, on any device; it stays as it is.

    Returns:
        How it is stored, and the bytes.
    """
    flat = tensor.detach().contiguous().reshape(-1).view(BITS[tensor.element_size()])
    flat = flat if len(flat) > FEW else flat.cpu()
    places, values = _seen(flat)
    value, place = _width(int(values.max(initial=0))), _width(len(flat) - 1)
    is_sparse = len(places) * (place + value) < len(flat) * value
    name = str(tensor.dtype).removeprefix("torch.")
    form = Form(name, tuple(tensor.shape), place if is_sparse else 0, value)
    if not is_sparse:
        return form, _narrowed(_words(flat), value)
    return form, _narrowed(places, place) + _narrowed(values, value)


def _seen(flat: Tensor) -> tuple[Words, Words]:
    """Places of elements other than zero, and those, found where the tensor is: few are copied."""
    if flat.device.type != "cpu":
        places = flat.nonzero().squeeze(1)
        return _words(places), _words(flat[places])
    words = _words(flat)
    # Not by torch, whose threads wait for each other where others use the cores.
    found = np.flatnonzero(words != 0)
    return found.view(f"u{found.itemsize}"), words[found]


def _words(flat: Tensor) -> Words:
    """The bits of integers, on the host."""
    words: Words = flat.cpu().numpy().view(f"u{flat.element_size()}")
    return words


def unpack(form: Form, content: bytes) -> Tensor:
    """Make it whole again.

    Args:
        form: How it is stored; of a size that may be held in memory.
        content: The bytes, whoever made them.

    Returns:
        The tensor, on the CPU.

    Raises:
        DamagedError: They are not as many as they must be, or places are not those of elements.
    """
    dtype, number = DTYPES[form.dtype], form.num_elements
    if form.of_place:
        words = _scattered(form, content)
    elif len(content) == number * form.of_value:
        words = _widened(content, form.of_value, dtype.itemsize)
        words = words if form.of_value else np.zeros(number, words.dtype)
    else:
        raise DamagedError(f"{len(content)} bytes for {number} elements of {form.of_value}")
    if dtype is torch.bool and words.max(initial=0) > 1:
        raise DamagedError("a bool that is neither 0 nor 1")
    flat = torch.from_numpy(words.view(f"i{dtype.itemsize}" if dtype.itemsize > 1 else "u1"))
    return flat.view(dtype).reshape(form.shape)


def _scattered(form: Form, content: bytes) -> Words:
    """Elements at the places that are told, zeros between them."""
    each, size = form.of_place + form.of_value, DTYPES[form.dtype].itemsize
    count, rest = divmod(len(content), each)
    if rest:
        raise DamagedError(f"{len(content)} bytes of pairs of {each}")
    places = _widened(content[: count * form.of_place], form.of_place, 8).view(np.int64)
    # Ascending, so that no place is told twice; as signed, the largest ones are negative.
    if count and not (places[0] >= 0 and (np.diff(places) > 0).all()):
        raise DamagedError("places of elements that do not ascend")
    if count and places[-1] >= form.num_elements:
        raise DamagedError(f"an element at {places[-1]} of {form.num_elements}")
    words = np.zeros(form.num_elements, f"u{size}")  # no memory before it is written to
    words[places] = _widened(content[count * form.of_place :], form.of_value, size)
    return words


def _width(largest: int) -> int:
    """How many bytes hold every number up to this one."""
    return (max(largest, 0).bit_length() + 7) // 8


def _narrowed(numbers: npt.NDArray[Any], width: int) -> bytes:
    """The lowest bytes of each number, the lowest first."""
    size = numbers.dtype.itemsize
    low_first = np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("<"))
    return low_first.view(np.uint8).reshape(len(numbers), size)[:, :width].tobytes()


def _widened(content: bytes, width: int, size: int) -> Words:
    """The numbers again, of `size` bytes each; none where they have no bytes."""
    narrow = np.frombuffer(content, np.uint8).reshape(-1, max(width, 1))
    wide = np.zeros((len(narrow), size), np.uint8)
    wide[:, :width] = narrow
    numbers: Words = wide.view(f"<u{size}").reshape(-1)
    return numbers.astype(f"u{size}", copy=False)
