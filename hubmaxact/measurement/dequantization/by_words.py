"""Integers in 32-bit words, less a zero point, times a scale: compressed-tensors, GPTQ and AWQ.

R rows (out), C columns (in), G groups of columns.
"""

import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.codes import (
    NIBBLES,
    InNibbles,
    InWords,
)
from hubmaxact.measurement.dequantization.damaged import require
from hubmaxact.measurement.dequantization.filling import fill
from hubmaxact.measurement.dequantization.grid import Grid, Step
from hubmaxact.measurement.dequantization.packing import WIDTHS, Unpacking, words_for
from hubmaxact.measurement.dequantization.stored_parts import StoredParts

INTEGERS = (torch.int32, torch.int64)


def packed_int(parts: StoredParts) -> Tensor:
    """Expand compressed-tensors' integers: both codes and zero points are stored with an offset."""
    bits, half = _bits(parts), 1 << _bits(parts) - 1
    rows, columns = size = _said_size(parts)
    codes = parts.shaped("codes", (rows, words_for(columns, bits)), torch.int32)
    scale = _by_group(parts, parts.of("scale"), size)
    steps = [Step(scale)]
    if parts.get("zero_point") is not None:
        groups = scale.numbers_DA.shape[1]
        stored = parts.shaped("zero_point", (words_for(rows, bits), groups), torch.int32)
        zero = _by_group(parts, Unpacking(bits, -half).of(stored.T, rows).T, size)
        steps.insert(0, Step(zero, is_product=False))
    out = parts.empty(rows, columns)
    fill(out, InWords(codes, Unpacking(bits, -half)), *steps, num_threads=parts.num_threads)
    return out


def gptq(parts: StoredParts) -> Tensor:
    """Expand GPTQ, which packs the columns of a weight that is stored turned round."""
    rows, columns = size = _two_sizes(parts)
    bits = _bits(parts)
    codes = parts.shaped("codes", (words_for(columns, bits), rows), torch.int32).T
    scale = _by_group(parts, parts.of("scale").T, size)
    groups = scale.numbers_DA.shape[1]
    stored = parts.shaped("zero_point", (groups, words_for(rows, bits)), torch.int32)
    unpacking = Unpacking(bits)
    zeros = unpacking.of(stored, rows).T
    if parts.scheme.offset_zeros:
        zeros = (zeros + 1).masked_fill_(zeros == (1 << bits) - 1, 0)
    out = parts.empty(rows, columns)
    zero = _by_group(parts, zeros, size)
    fill(
        out,
        InWords(codes, unpacking),
        Step(zero, is_product=False),
        Step(scale),
        num_threads=parts.num_threads,
    )
    return out


def awq(parts: StoredParts) -> Tensor:
    """Expand AWQ's GEMM layout, which packs the rows, interleaved."""
    rows, columns = size = _two_sizes(parts)
    require(rows % NIBBLES == 0, f"has {rows} rows, which fill no words")
    words = rows // NIBBLES
    codes = parts.shaped("codes", (columns, words), torch.int32).T
    scale = _by_group(parts, parts.of("scale").T, size)
    groups = scale.numbers_DA.shape[1]
    stored = parts.shaped("zero_point", (groups, words), torch.int32)
    zeros = torch.empty(rows, groups)
    InNibbles(stored.T).into(zeros, slice(0, rows))
    zero = _by_group(parts, zeros, size)
    out = parts.empty(rows, columns)
    fill(
        out,
        InNibbles(codes),
        Step(zero, is_product=False),
        Step(scale),
        num_threads=parts.num_threads,
    )
    return out


def _bits(parts: StoredParts) -> int:
    bits = parts.scheme.bits
    require(bits in WIDTHS, f"has codes of {bits} bits")
    assert bits is not None
    return bits


def _two_sizes(parts: StoredParts) -> tuple[int, int]:
    require(len(parts.shape) == 2, f"has {len(parts.shape)} dimensions")
    rows, columns = parts.shape
    return rows, columns


def _said_size(parts: StoredParts) -> tuple[int, int]:
    """What `weight_shape` says: headers alone leave open how far a row fills its last word."""
    rows, room = _two_sizes(parts)
    said = parts.shaped("shape", (2,), *INTEGERS).tolist()
    require(
        said[0] == rows and 0 <= said[1] <= room,
        f"says that it has {said[0]} x {said[1]} numbers, and holds {rows} x {room}",
    )
    return rows, said[1]


def _by_group(parts: StoredParts, numbers_RG: Tensor, size: tuple[int, int]) -> Grid:
    """A number per row and group, in order or by an index."""
    require(numbers_RG.dim() == 2, "has scales that are no matrix")
    columns, group = size[1], parts.scheme.group_size
    index = parts.get("group_index")
    if index is not None:
        index = parts.shaped("group_index", (columns,), *INTEGERS)
        if bool((index == -1).all()):  # as it is written where there is no order
            index = None
    grid = Grid(numbers_RG, size, (1, group) if group else None)
    return grid if index is None else grid.by_index(index)
