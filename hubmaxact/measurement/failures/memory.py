"""Whether an error means that memory ran out, in whichever of many ways it arrives.

Knows what Python, torch, its back ends and operating systems say; knows no models, and asks before
torch is loaded too.
"""

import errno
from collections.abc import Iterator

TORCHS = "OutOfMemoryError"

ERRNOS = (errno.ENOMEM,)
WINDOWS_ERRORS = (8, 14, 1455)  # not enough memory, out of memory, paging file too small

WORDS = (
    "allocate memory",  # torch's CPU allocator, mmap, tokenizers: "can't", "cannot", "failed to"
    "out of memory",  # CUDA, ROCm, MPS, XPU
    "not enough memory",  # torch's CPU allocator on Windows and macOS
    "insufficient memory",
    "could not create a primitive",  # oneDNN
    "alloc_failed",  # cuBLAS, cuDNN, cuSPARSE
    "bad_alloc",  # C++
    "bad allocation",
    "memory allocation of",  # Rust: safetensors, tokenizers
    "can't start new thread",  # there is no room for its stack
    "paging file is too small",
    "failed to map segment",  # the loader of shared objects
)
"""What errors that have no class of their own say, in small letters."""


def ran_out(error: BaseException) -> bool:
    """Whether this error, or one that it came from, means that memory ran out."""
    return any(isinstance(each, Exception) and _means_it(each) for each in _chain(error))


def says_ran_out(text: str) -> bool:
    """Whether a text of another library says that memory ran out."""
    low = text.lower()
    return any(words in low for words in WORDS)


def _means_it(error: Exception) -> bool:
    kind = type(error)
    if isinstance(error, MemoryError) or (kind.__name__, kind.__module__[:5]) == (TORCHS, "torch"):
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in ERRNOS or getattr(error, "winerror", None) in WINDOWS_ERRORS
    return says_ran_out(str(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, the latest first; a circle ends."""
    seen: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in seen:
        yield each
        seen.append(each)
        each = each.__cause__ or each.__context__
