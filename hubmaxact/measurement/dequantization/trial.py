"""Whether compiled loops work here: they must equal torch's operations before they are used.

This is also what compiles them, or loads what numba kept.
"""

from collections.abc import Iterator
from functools import cache

import torch

from hubmaxact.measurement.dequantization.by_torch import fill_by_torch
from hubmaxact.measurement.dequantization.codes import Codes, InNibbles, InWords, LookedUp
from hubmaxact.measurement.dequantization.grid import Grid, Step
from hubmaxact.measurement.dequantization.numbers import Lookup, e2m1, e4m3
from hubmaxact.measurement.dequantization.packing import Unpacking
from hubmaxact.measurement.failures.own_error import reason

ROWS, COLUMNS, GROUP = 16, 96, 32
DTYPES = (torch.float32, torch.bfloat16, torch.float16)


@cache
def why_no_loops() -> str:
    """Asked once in a process.

    Returns:
        What keeps them from working, in words that follow "because"; "" where they end in the same
        bits.
    """
    try:
        alike = all(_are_equal(codes, dtype) for codes in _every_layout() for dtype in DTYPES)
    except Exception as error:  # noqa: BLE001 numba and LLVM raise whatever breaks first
        return f"numba's loops failed here: {type(error).__name__}: {reason(error)}"
    return "" if alike else "the compiled loops' numbers differ here; please report this processor"


def told_of_torch(name: str) -> Iterator[str]:
    """Tell where torch's operations expand weights, several times slower.

    Args:
        name: Of the quantized checkpoint.

    Yields:
        One sentence; none where the loops work.
    """
    if why_no_loops():
        yield f"The weights of {name} are expanded by torch operations, because {why_no_loops()}."


def _every_layout() -> list[Codes]:
    """Codes in each layout, all bytes among them."""
    place = torch.arange(ROWS * COLUMNS, dtype=torch.int64)
    codes_RC = place.to(torch.uint8).view(ROWS, COLUMNS)
    words_RC = (place * 2654435761).int().view(ROWS, COLUMNS)
    return [
        LookedUp(codes_RC, Lookup(e4m3())),
        LookedUp(codes_RC[:, : COLUMNS // 2], Lookup(e2m1())),
        LookedUp(codes_RC[:, : COLUMNS // 4], Unpacking(2).lookup),
        InWords(words_RC[:, : COLUMNS * 3 // 32], Unpacking(3, -4)),
        InNibbles(words_RC[: ROWS // 8]),
        InNibbles(words_RC[: ROWS // 8].T.contiguous().T),
    ]


def _are_equal(codes: Codes, dtype: torch.dtype) -> bool:
    """Whether both ways end in the same bits, with scales from subnormal to infinite results."""
    from hubmaxact.measurement.dequantization.by_loops import fill_by_loops

    groups, size = COLUMNS // GROUP, (ROWS, COLUMNS)
    number = torch.arange(ROWS * groups).view(ROWS, groups)
    zero = Step(Grid((number % 5).float(), size), is_product=False)
    index_C = torch.arange(COLUMNS) * 7 % groups
    scale = Step(Grid(torch.exp2(number * 5.0 - 140), size).by_index(index_C))
    found, wanted = (torch.empty(size, dtype=dtype) for _ in range(2))
    fill_by_loops(found, codes, zero, scale, piece=found.numel(), num_threads=1)
    fill_by_torch(wanted, codes, zero, scale, piece=wanted.numel())
    bits = torch.int32 if dtype is torch.float32 else torch.int16
    is_nan = wanted.isnan()
    return torch.equal(is_nan, found.isnan()) and torch.equal(
        found[~is_nan].view(bits), wanted[~is_nan].view(bits)
    )
