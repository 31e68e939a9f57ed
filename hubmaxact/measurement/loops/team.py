"""The threads that torch's own operations run on, for loops that run between them.

On Linux torch shares its work by OpenMP, whose threads spin for a while when they have done theirs,
waiting for more. Threads beside them would get a part of a processor each; these begin at once.
They belong to the thread that runs the operations.
"""

import ctypes
import sys
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import torch

BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def on_team(work: Callable[[], None]) -> bool:
    """Call a function once on each of torch's threads, and return when all calls have returned.

    Args:
        work: Raises nothing; a team may as well be smaller than `torch.get_num_threads()`.

    Returns:
        False where torch's threads cannot be had, and nothing was called.
    """
    begin = _parallel()
    if begin is None or threading.current_thread() is not threading.main_thread():
        return False
    # A team of another size would be taken apart, and put together by the next operation.
    begin(BODY(lambda _: work()), None, torch.get_num_threads(), 0)
    return True


@cache
def _parallel() -> Any:
    """`GOMP_parallel`, by which code that gcc compiled begins a parallel region; None: not here."""
    if sys.platform != "linux" or "backend: OpenMP" not in torch.__config__.parallel_info():
        return None
    found = ctypes.CDLL(None)
    if not hasattr(found, "GOMP_parallel"):
        return None
    found.GOMP_parallel.argtypes = [BODY, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
    found.GOMP_parallel.restype = None
    return found.GOMP_parallel
