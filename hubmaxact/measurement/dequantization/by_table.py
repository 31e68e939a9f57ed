"""bitsandbytes: codes by a stored table, and rows over their largest magnitude."""

import json
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.codes import LookedUp
from hubmaxact.measurement.dequantization.damaged import DamagedWeightError, require
from hubmaxact.measurement.dequantization.filling import fill
from hubmaxact.measurement.dequantization.grid import Grid, Step
from hubmaxact.measurement.dequantization.numbers import Lookup, int8, pairs
from hubmaxact.measurement.dequantization.stored_parts import StoredParts

ONE_OVER_127 = 7.874015718698502e-3
"""As bitsandbytes multiplies; a float32."""

LONGEST_STATE = 4096  # bytes; what is written has about two hundred
MOST_DIMENSIONS = 8
BLOCKS = 32
"""Blocks that are filled as a row, of which the flattened weight has none."""


@dataclass(frozen=True, slots=True)
class State:
    """What bitsandbytes writes beside codes of four bits, checked.

    Attributes:
        shape: Of the weight.
        block: Numbers of the flattened weight that share a scale.
        nested_block: Scales that share one. None: they are stored as they are.
        offset: What is added to nested scales.
    """

    shape: tuple[int, ...]
    block: int
    nested_block: int | None
    offset: float


def four_bits(parts: StoredParts) -> Tensor:
    """Expand NF4 or FP4, by blocks of the flattened weight, high halves of bytes first."""
    state = _state(parts)
    size = prod(state.shape)
    require(parts.shape in {(), state.shape}, f"says that its shape is {state.shape}")
    codes = parts.of("codes", torch.uint8)
    require(codes.numel() == -(-size // 2), f"has {codes.numel()} bytes for {size} numbers")
    codes, table = codes.flatten(), parts.shaped("table", (16,)).float()
    lookup = Lookup(pairs(table, is_high_first=True))
    absmax = _absmax(parts, state, -(-size // state.block))
    out = parts.empty(size)
    # As one row nothing could be shared by threads; the last row may be shorter.
    long = BLOCKS * state.block
    whole = size // long
    inside = codes[: whole * long // 2].view(whole, long // 2)
    of_row = Grid(absmax[: whole * BLOCKS].view(whole, BLOCKS), (whole, long), (1, state.block))
    fill(
        out[: whole * long].view(whole, long),
        LookedUp(inside, lookup),
        Step(of_row),
        num_threads=parts.num_threads,
    )
    if rest := size - whole * long:
        left = codes[None, whole * long // 2 :]
        of_rest = Grid(absmax[None, whole * BLOCKS :], (1, rest), (1, state.block))
        fill(
            out[None, -rest:], LookedUp(left, lookup), Step(of_rest), num_threads=parts.num_threads
        )
    return out.view(state.shape)


def eight_bits(parts: StoredParts) -> Tensor:
    """Expand LLM.int8: the scales are the largest magnitude of each row."""
    rows, columns = parts.shape[0], prod(parts.shape[1:])
    codes = parts.shaped("codes", parts.shape, torch.int8).view(rows, columns)
    scale = Grid(parts.shaped("scale", (rows,)).float()[:, None], (rows, columns))
    over = Grid(torch.tensor([[ONE_OVER_127]]), (rows, columns))
    out = parts.empty(rows, columns)
    fill(
        out, LookedUp(codes, Lookup(int8())), Step(scale), Step(over), num_threads=parts.num_threads
    )
    return out.view(parts.shape)


def _absmax(parts: StoredParts, state: State, blocks: int) -> Tensor:
    """A scale for each block, float32."""
    if state.nested_block is None:
        return parts.shaped("scale", (blocks,), torch.float32)
    codes = parts.shaped("scale", (blocks,), torch.uint8)
    table = parts.shaped("nested_table", (256,)).float()
    count = -(-blocks // state.nested_block)
    largest = parts.shaped("nested_scale", (count,)).float()
    every = largest[torch.arange(blocks) // state.nested_block]
    return Lookup(table[:, None]).of(codes) * every + state.offset


def _state(parts: StoredParts) -> State:
    """Read what is written as JSON."""
    stored = parts.of("state", torch.uint8)
    require(stored.numel() <= LONGEST_STATE, f"has a state of {stored.numel()} bytes")
    try:
        said = json.loads(bytes(stored.flatten().tolist()))
    except (ValueError, RecursionError) as error:
        raise DamagedWeightError("has a state that is no JSON") from error
    require(isinstance(said, dict), "has a state that is no JSON object")
    shape, block = said.get("shape"), said.get("blocksize")
    is_shape = isinstance(shape, list) and 0 < len(shape) <= MOST_DIMENSIONS
    require(is_shape and all(map(_is_count, shape)), "has a state without a shape")
    require(_is_count(block) and block % 2 == 0, "has a state without an even block size")
    nested, offset = said.get("nested_blocksize"), said.get("nested_offset", 0.0)
    if parts.get("nested_scale") is None:
        return State(tuple(shape), block, None, 0.0)
    require(_is_count(nested), "has a state without the block size of its scales")
    require(isinstance(offset, float | int), "has a state without the offset of its scales")
    return State(tuple(shape), block, nested, float(offset))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 48
