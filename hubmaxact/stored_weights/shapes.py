"""What a weight's shape is, and whether its parts fit together, from the shapes of the parts.

R rows (out), C columns (in), as a linear map has them; E experts may stand before both.
"""

from collections.abc import Callable, Mapping
from math import prod
from typing import Protocol

from hubmaxact.stored_weights.storage import Scheme
from hubmaxact.stored_weights.table import (
    CODES,
    DIVISOR,
    FACTOR,
    FP8,
    GROUP_INDEX,
    SCALE,
    SHAPE,
    TABLE,
    ZERO_POINT,
)
from hubmaxact.stored_weights.unknown import UnsoundStorageError

WORD = 32  # bits
BITS_OF_FP4 = 4
BYTE_HOLDS = 2  # of such codes
TABLE_LENGTH = 16
UNKNOWN: tuple[int, ...] = ()
"""Of a weight whose shape stands in a tensor's bytes alone."""


class Entry(Protocol):
    """A tensor as its file's header declares it."""

    @property
    def dtype(self) -> str:
        """As safetensors spells it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes."""


Shape = tuple[int, ...]
Parts = Mapping[str, Entry]


def shape_of(parts: Parts, scheme: Scheme) -> Shape:
    """Tell the shape of a weight where it is stored plainly.

    Args:
        parts: Its tensors, all that the storage requires.
        scheme: How it is stored.

    Returns:
        Sizes. Of integers in words (compressed-tensors) the columns that the words have room for,
        and no more than the groups cover: 31 bits' worth may be too many where a row does not fill
        its last word, and `weight_shape` says how many there are. UNKNOWN for bitsandbytes of 4
        bits.

    Raises:
        UnsoundStorageError: Parts do not fit together.
    """
    return SHAPES[scheme.storage.formula](parts, scheme)


def number_of(parts: Parts, shape: Shape) -> int:
    """Tell how many numbers a weight is.

    Args:
        parts: Its tensors.
        shape: What `shape_of` returned.

    Returns:
        The product of its sizes; of an unknown shape, what its codes have room for.
    """
    known = shape != UNKNOWN
    return prod(shape) if known else prod(parts[CODES].shape) * BYTE_HOLDS


def _scaled(parts: Parts, scheme: Scheme) -> Shape:
    shape = _at_least_2d(parts[CODES].shape)
    if scheme.storage is FP8 and scheme.bits == BITS_OF_FP4:
        shape = (*shape[:-1], shape[-1] * BYTE_HOLDS)
    block = scheme.block or ((1, scheme.group_size) if scheme.group_size else None)
    _require_grid(parts[SCALE].shape, shape, block, "scales")
    if ZERO_POINT in parts:
        _require_grid(parts[ZERO_POINT].shape, shape, block, "zero points")
    return shape


def _fp4(parts: Parts, scheme: Scheme) -> Shape:
    packed = _at_least_2d(parts[CODES].shape)
    shape = (*packed[:-1], packed[-1] * BYTE_HOLDS)
    _require_grid(parts[SCALE].shape, shape, (1, scheme.group_size or 1), "scales")
    for part in (DIVISOR, FACTOR):
        if part in parts and prod(parts[part].shape) not in (1, prod(shape[:-2])):
            raise UnsoundStorageError(
                f"has second scales of shape {_said(parts[part].shape)} for a weight of "
                f"{_said(shape)}"
            )
    return shape


def _mxfp4_experts(parts: Parts, scheme: Scheme) -> Shape:
    codes, columns = parts[CODES].shape, (scheme.group_size or 1)
    if len(codes) != 4 or codes[-1] * BYTE_HOLDS != columns:
        raise UnsoundStorageError(
            f"has codes of shape {_said(codes)}, no blocks of {columns} columns for each row of "
            "each expert"
        )
    _require(parts[SCALE].shape, codes[:-1], "scales")
    experts, rows, groups, _ = codes
    return experts, groups * columns, rows


def _packed_int(parts: Parts, scheme: Scheme) -> Shape:
    bits, codes, scales = scheme.bits or WORD, parts[CODES].shape, parts[SCALE].shape
    if len(codes) != 2 or len(scales) != 2 or scales[0] != codes[0]:
        raise UnsoundStorageError(
            f"has codes of shape {_said(codes)} and scales of shape {_said(scales)}, no row of "
            "each for a row of the weight"
        )
    rows, room, groups = codes[0], codes[1] * WORD // bits, scales[1]
    size = scheme.group_size or max(room, 1)
    columns = min(room, groups * size)
    if GROUP_INDEX in parts:
        columns = prod(parts[GROUP_INDEX].shape)
    if _words(columns, bits) != codes[1] or _groups(columns, size) != groups:
        raise UnsoundStorageError(
            f"has {codes[1]} words of {bits}-bit codes and {groups} scales in a row, which groups "
            f"of {size} columns do not need"
        )
    _require(parts[SHAPE].shape, (2,), "shape")
    if ZERO_POINT in parts:
        _require(parts[ZERO_POINT].shape, (_words(rows, bits), groups), "zero points")
    return rows, columns


def _gptq(parts: Parts, scheme: Scheme) -> Shape:
    bits, codes, scales = scheme.bits or WORD, parts[CODES].shape, parts[SCALE].shape
    if len(codes) != 2 or len(scales) != 2 or scales[1] != codes[1]:
        raise UnsoundStorageError(
            f"has codes of shape {_said(codes)} and scales of shape {_said(scales)}, no column of "
            "each for a row of the weight"
        )
    columns, (groups, rows) = codes[0] * WORD // bits, scales
    _require(parts[ZERO_POINT].shape, (groups, _words(rows, bits)), "zero points")
    if GROUP_INDEX in parts:
        _require(parts[GROUP_INDEX].shape, (columns,), "group index")
    _require_groups(groups, columns, scheme)
    return rows, columns


def _awq(parts: Parts, scheme: Scheme) -> Shape:
    bits, codes, scales = scheme.bits or WORD, parts[CODES].shape, parts[SCALE].shape
    if len(codes) != 2 or len(scales) != 2 or _words(scales[1], bits) != codes[1]:
        raise UnsoundStorageError(
            f"has codes of shape {_said(codes)} and scales of shape {_said(scales)}, which do not "
            "belong together"
        )
    columns, (groups, rows) = codes[0], scales
    _require(parts[ZERO_POINT].shape, (groups, codes[1]), "zero points")
    _require_groups(groups, columns, scheme)
    return rows, columns


def _bitsandbytes_4bit(parts: Parts, _: Scheme) -> Shape:
    _require(parts[TABLE].shape, (TABLE_LENGTH,), "table")
    return UNKNOWN


def _bitsandbytes_8bit(parts: Parts, _: Scheme) -> Shape:
    shape = _at_least_2d(parts[CODES].shape)
    _require(parts[SCALE].shape, shape[:-1], "scales")
    return shape


SHAPES: Mapping[str, Callable[[Parts, Scheme], Shape]] = {
    "scaled": _scaled,
    "packed_int": _packed_int,
    "nvfp4": _fp4,
    "mxfp4": _fp4,
    "mxfp4_experts": _mxfp4_experts,
    "gptq": _gptq,
    "awq": _awq,
    "bitsandbytes_4bit": _bitsandbytes_4bit,
    "bitsandbytes_8bit": _bitsandbytes_8bit,
}
"""By the names of formulas."""


def _at_least_2d(codes: Shape) -> Shape:
    if len(codes) < 2:
        raise UnsoundStorageError(f"has codes of shape {_said(codes)}, no rows and columns")
    return codes


def _require_grid(grid: Shape, shape: Shape, block: tuple[int, int] | None, what: str) -> None:
    """A grid has a number for every block, cut ones too; one for all if no block is declared."""
    *experts, rows, columns = shape
    if block is None:
        each = (rows, 1)
        able = [(), (1,), (1, 1), (rows,), each, *([tuple(experts)] if experts else [])]
        able += [(*experts, *end) for end in ((), (1,), (1, 1), (rows,), each) if experts]
    else:
        high, wide = block
        able = [(*experts, _groups(rows, high), _groups(columns, wide))]
        able += [()] if able[0] == (1, 1) else []
    if grid not in able:
        blocks = f" in blocks of {_said(block)}" if block else ""
        raise UnsoundStorageError(
            f"has {what} of shape {_said(grid)}, which do not cover a weight of {_said(shape)}"
            f"{blocks}"
        )


def _require(found: Shape, wanted: Shape, what: str) -> None:
    if found != wanted:
        raise UnsoundStorageError(
            f"has a part of shape {_said(found)} where its {what} of shape {_said(wanted)} belong"
        )


def _require_groups(groups: int, columns: int, scheme: Scheme) -> None:
    size = scheme.group_size or max(columns, 1)
    if groups != _groups(columns, size):
        raise UnsoundStorageError(
            f"has scales for {groups} groups, which do not cover {columns} columns in groups of "
            f"{size}"
        )


def _groups(columns: int, size: int) -> int:
    return -(-columns // size)


def _words(codes: int, bits: int) -> int:
    return -(-codes * bits // WORD)


def _said(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"
