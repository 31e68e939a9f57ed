"""How the loops of this room are compiled: once per machine, then kept by numba.

Numba keeps compiled code beside the sources, else in the user's cache; several processes may do so
at once.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]
Function = TypeVar("Function", bound=Callable[..., Any])


def _digest() -> str:
    """Of all sources in this folder."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


DIGEST = _digest()


def compiled(function: Function) -> Function:
    """Compile a loop when it is first called; it runs without holding the interpreter's lock."""
    # Numba tells that a function changed by its own file alone, though code that it calls is part
    # of what is kept. What is kept is named by this.
    function.__qualname__ += f"_{DIGEST}"
    try:
        return cast("Function", njit(nogil=True, cache=True)(function))
    except RuntimeError:  # no folder to keep it in: it is compiled in each process
        return cast("Function", njit(nogil=True)(function))
