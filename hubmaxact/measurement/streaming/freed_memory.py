"""Memory that was freed, given back to the system.

glibc keeps it, in pieces between what is still used: a run of 33 layers held 1.8 GiB of it at its
end, beside 160 MiB in use.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Give back what the C library holds for later, where it is glibc."""
    if trim := _trim():
        trim(0)


@cache
def _trim() -> Callable[[int], object] | None:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
