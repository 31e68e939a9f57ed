"""Codes of a whole byte or of half a one, times scales: FP8, INT8, NVFP4 and MXFP4.

R rows (out), C columns (in); experts may stand before both.
"""

from math import prod

import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.codes import LookedUp
from hubmaxact.measurement.dequantization.damaged import require
from hubmaxact.measurement.dequantization.filling import fill, turn_round
from hubmaxact.measurement.dequantization.grid import Grid, Step
from hubmaxact.measurement.dequantization.numbers import Lookup, e2m1, e4m3, int8, numbers_of
from hubmaxact.measurement.dequantization.stored_parts import StoredParts

FP4_BYTES = (torch.uint8, torch.int8)
NVFP4_GROUP, MXFP4_GROUP = 16, 32  # columns that share a scale


def scaled(parts: StoredParts) -> Tensor:
    """Multiply E4M3, INT8 or FP4 codes with scales of tensors, rows, groups or blocks."""
    codes = parts.of("codes", torch.float8_e4m3fn, *FP4_BYTES)
    is_fp4 = codes.dtype in FP4_BYTES and parts.shape[-1] == 2 * codes.shape[-1]
    per_byte = 2 if is_fp4 else 1
    group = parts.scheme.group_size
    block = parts.scheme.block or ((1, group) if group else None)
    scales = grids(parts, "scale", block)
    zeros = None if parts.get("zero_point") is None else grids(parts, "zero_point", block)
    return _stacked(parts, per_byte, scales, zeros)


def nvfp4(parts: StoredParts) -> Tensor:
    """Multiply FP4 with a scale per 16, over or times a second one."""
    parts.of("codes", *FP4_BYTES)
    scales = grids(parts, "scale", (1, parts.scheme.group_size or NVFP4_GROUP))
    is_divisor = parts.get("divisor") is not None
    second = numbers_of(parts.of("divisor" if is_divisor else "factor")).flatten()
    require(
        len(second) in {1, len(scales)},
        f"has {len(second)} second scales for {len(scales)} matrices",
    )
    for grid, number in zip(scales, second.expand(len(scales)), strict=True):
        by = grid.numbers_DA
        grid.numbers_DA = by / number if is_divisor else by * number
    return _stacked(parts, 2, scales)


def mxfp4(parts: StoredParts) -> Tensor:
    """Multiply FP4 with a power of two per 32."""
    parts.of("codes", *FP4_BYTES)
    block = (1, parts.scheme.group_size or MXFP4_GROUP)
    return _stacked(parts, 2, grids(parts, "scale", block))


def mxfp4_experts(parts: StoredParts) -> Tensor:
    """Multiply gpt-oss's blocks, and turn each expert round: it keeps them as (experts, C, R)."""
    require(len(parts.shape) == 3, "has no three dimensions")
    experts, columns, rows = parts.shape
    group = parts.scheme.group_size or MXFP4_GROUP
    groups = columns // group
    codes = parts.shaped("codes", (experts, rows, groups, group // 2), *FP4_BYTES)
    scale = parts.shaped("scale", (experts, rows, groups))
    require(groups * group == columns, f"has {columns} columns, no multiple of {group}")
    out, turned = parts.empty(*parts.shape), parts.empty(rows, columns)
    for expert in range(experts):
        grid = Grid(scale[expert], (rows, columns), (1, group))
        fill(turned, _codes(codes[expert].flatten(1)), Step(grid), num_threads=parts.num_threads)
        turn_round(out[expert], turned, num_threads=parts.num_threads)
    return out


def grids(parts: StoredParts, part: str, block: tuple[int, int] | None) -> list[Grid]:
    """Read numbers that belong to blocks, rows or all of each matrix of a stack.

    Args:
        parts: Of one weight.
        part: Scales or zero points.
        block: Rows and columns of a block. None: the shapes say it.

    Returns:
        A grid for each matrix.

    Raises:
        DamagedWeightError: They do not cover the weight.
    """
    stored = parts.of(part)
    *stack, rows, columns = parts.shape
    own = tuple(stored.shape[: len(stack)]) == tuple(stack)
    require(own or stored.numel() == 1, f"has {part.replace('_', ' ')}s for other matrices")
    each = tuple(stored.shape[len(stack) :]) if own else ()
    require(len(each) <= 2, f"has {part.replace('_', ' ')}s of {len(each)} dimensions")
    shaped = (
        stored.reshape(-1, *(*each, 1, 1)[:2]) if stored.numel() != 1 else stored.reshape(1, 1, 1)
    )
    if part == "zero_point":
        shaped = shaped.float()  # as bytes they would be exponents
    count = prod(stack)
    return [Grid(one, (rows, columns), block) for one in shaped.expand(count, -1, -1)]


def _stacked(
    parts: StoredParts, per_byte: int, scales: list[Grid], zeros: list[Grid] | None = None
) -> Tensor:
    """Every matrix of a stack."""
    *stack, rows, columns = parts.shape
    require(columns % per_byte == 0, f"has {columns} columns, which fill no bytes")
    codes = parts.shaped("codes", (*stack, rows, columns // per_byte))
    out = parts.empty(*parts.shape)
    matrices = out.view(-1, rows, columns)
    for number, of_one in enumerate(codes.reshape(-1, rows, columns // per_byte)):
        zero = [Step(zeros[number], is_product=False)] if zeros else []
        fill(
            matrices[number],
            _codes(of_one, per_byte),
            *zero,
            Step(scales[number]),
            num_threads=parts.num_threads,
        )
    return out


def _codes(codes: Tensor, per_byte: int = 2) -> LookedUp:
    """The numbers that bytes stand for."""
    if per_byte == 2:
        return LookedUp(codes, Lookup(e2m1()))
    return LookedUp(codes, Lookup(e4m3() if codes.dtype is torch.float8_e4m3fn else int8()))
