"""How loops are compiled: once per machine, then kept by numba.

Numba keeps compiled code beside the sources, else in the user's cache; several processes may do so
at once.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]
Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a loop when it is first called; it runs without holding the interpreter's lock."""
    return _compiled(function)


def compiled_sum(function: Function) -> Function:
    """Compile a sum of floats that may be added up in any order, so that additions become SIMD."""
    return _compiled(function, fastmath={"reassoc"})


def _compiled(function: Function, **options: Any) -> Function:
    # Numba tells that a function changed by its own file alone, though code that it calls is part
    # of what is kept. What is kept is named by the folder, which all that it calls stands in.
    function.__qualname__ += f"_{_digest(Path(function.__code__.co_filename).parent)}"
    try:
        return cast("Function", njit(nogil=True, cache=True, **options)(function))
    except RuntimeError:  # no folder to keep it in: it is compiled in each process
        return cast("Function", njit(nogil=True, **options)(function))


@cache
def _digest(folder: Path) -> str:
    """Of all sources in a folder."""
    sources = sorted(folder.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
