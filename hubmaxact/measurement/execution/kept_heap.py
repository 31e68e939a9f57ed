"""Freed memory that the process keeps between the layers of a pass.

glibc gives the end of its heap back as soon as much of it is free, and a layer later takes it again
page by page, each of which the system clears first. Beside statistics, which change what is free
when, that took a tenth of a pass of a small model.
"""

import ctypes
import os
import sys
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as mallopt(3) numbers them
KEPT_BYTES = 1 << 29
LARGEST_MMAP_THRESHOLD = 1 << 25
"""Tensors from here on are mapped singly, and go back when they are freed: glibc takes no more."""


@cache
def keep_freed_memory() -> None:
    """Let glibc keep it from now on, where that is the C library and nobody else has told it."""
    is_told = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ)
    if is_told or sys.platform != "linux":
        return
    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    # The first of both ends a threshold of its own making, so the other has to be set as well.
    if tell is not None and tell(MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD):
        tell(TRIM_THRESHOLD, KEPT_BYTES)
