"""Memory that the kernels and Python share: the structures of `site.cuh`, field by field."""

import ctypes

import torch
from torch import Tensor

NUM_TOP = 5
NUM_POLICIES = 2
SITE_WORDS = 6  # of 8 bytes
LIST_WORDS = 16
NUMBERS_WORDS = 7
NUM_MASSIVE = 2  # the word of a site that counts rows
WINDOW, BLOCK_WINDOW = 6, 10  # half words that say where windows of bins begin
FIRST_WINDOW = 83 * 128  # of 2^-44 to 2^20, until a site's own counts are known
FIRST_BLOCK_WINDOW = 119 * 128  # of 2^-8 to 2^8, the same


class Arguments(ctypes.Structure):
    """One launch."""

    _fields_ = (
        ("x", ctypes.c_void_p),
        ("row_stride", ctypes.c_longlong),
        ("value_stride", ctypes.c_longlong),
        ("counts", ctypes.c_void_p),
        ("site", ctypes.c_void_p),
        ("lists", ctypes.c_void_p),
        ("token", ctypes.c_void_p),
        ("kept", ctypes.c_void_p),
        ("columns", ctypes.c_void_p),
        ("group", ctypes.c_void_p),
        ("group_max", ctypes.c_void_p),
        ("num_positions", ctypes.c_longlong),
        ("numbers", ctypes.c_void_p),
        ("sums", ctypes.c_void_p),
        ("errors", ctypes.c_void_p),
        ("block_counts", ctypes.c_void_p),
        ("channel_max", ctypes.c_void_p),
        ("beyond", ctypes.c_void_p),
        ("thresholds", ctypes.c_double * NUM_POLICIES),
        ("num_rows", ctypes.c_int),
        ("num_groups", ctypes.c_int),
        ("group_by_row", ctypes.c_int),
        ("num_thresholds", ctypes.c_int),
    )


def address(x: Tensor | None) -> int | None:
    """Where a tensor's values begin; None for no tensor."""
    return None if x is None else x.data_ptr()


def site_memory(num_blocks: int, device: torch.device) -> Tensor:
    """A site's state and its lists, one list a block, as 8-byte words: nothing seen yet."""
    memory = torch.zeros(SITE_WORDS + LIST_WORDS * num_blocks, dtype=torch.int64, device=device)
    # By a kernel: a number assigned to an element is copied from the host, which waits.
    halves = memory.view(torch.int32)
    halves[WINDOW : WINDOW + 1].fill_(FIRST_WINDOW)
    halves[BLOCK_WINDOW : BLOCK_WINDOW + 1].fill_(FIRST_BLOCK_WINDOW)
    return memory
