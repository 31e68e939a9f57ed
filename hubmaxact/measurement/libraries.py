"""The libraries of the extra `measure`: asked for before any work, loaded before any long work.

Without this, a base install would measure as far as an ImportError.
"""

import gc
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from hubmaxact.errors import MissingPackageError, OldPackageError, OutOfMemoryError
from hubmaxact.measurement.failures.memory import ran_out

EXTRA = "measure"
PURPOSE = "measuring"
PACKAGES = ("torch", "transformers", "accelerate", "safetensors", "numpy")
TABLES = "pyarrow"

OLDEST = {"torch": "2.7", "transformers": "5.10"}
"""As pyproject.toml asks for, which whoever installs without pip's resolver never sees."""

REPRODUCIBLE = "MKL_CBWR"
"""Intel's name for conditional numerical reproducibility."""

STRICT_ON = ("AVX2", "AVX512")
"""Instructions with which it can be had at no cost, by torch's names, which are Intel's too."""

SPINNING = "GOMP_SPINCOUNT", "10000"
"""Turns that a thread of GNU's OpenMP waits at full speed before it sleeps: enough between two
operations. Its own 300,000 have processes that share cores wait for each other's threads: three on
two cores, five times as long for the same work."""

PROBES: tuple[tuple[str, Callable[[Any], object]], ...] = (
    ("numpy", lambda numpy: numpy.ndarray),
    ("safetensors", lambda safetensors: safetensors.safe_open),
    ("torch", lambda torch: torch.tensor(0)),  # the leftover folder of another has no such thing
    ("numpy", lambda _: sys.modules["torch"].tensor(0).numpy()),  # torch was built for one numpy
    ("accelerate", lambda accelerate: accelerate.init_empty_weights),
    ("transformers", lambda transformers: transformers.PreTrainedModel),  # imported when asked for
)
"""What shows that a library works; what one needs comes before it, to be named by its own name."""


def require() -> None:
    """Refuse to begin what a library is missing for; nothing is imported.

    Raises:
        MissingPackageError: One is not installed.
    """
    for package in PACKAGES:
        if not _is_there(package):
            raise MissingPackageError(package, EXTRA, PURPOSE)


def load_tables() -> None:
    """Import what writes tables, before a run that ends in one.

    Raises:
        MissingPackageError: It is not installed, or cannot be loaded.
    """
    try:
        import_module(TABLES)
        import_module(f"{TABLES}.parquet")
    except (ImportError, OSError) as error:
        raise MissingPackageError(TABLES, EXTRA, "profile deployment", error) from error


def load() -> None:
    """Import what everything else here stands on, which takes seconds.

    Raises:
        MissingPackageError: A library is installed and cannot be loaded.
        OldPackageError: It is older than what is known to work.
        OutOfMemoryError: It does not fit the memory.
    """
    with importing():
        _import_all()
    _round_alike()


@contextmanager
def importing() -> Iterator[None]:
    """Import in the block what needs torch, for the first time perhaps.

    Nothing of it is garbage, so nobody looks for any meanwhile, which takes a quarter of the time;
    and threads that it starts sleep while they wait.
    """
    _let_threads_sleep()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _import_all() -> None:
    for package, probe in PROBES:
        try:
            module = import_module(package)
            _refuse_old(package, getattr(module, "__version__", None))
            probe(module)
        except OldPackageError:
            raise
        except Exception as error:  # a broken library raises whatever it breaks first
            if ran_out(error):
                raise OutOfMemoryError(
                    f"memory ran out while {package} was loaded, before anything of the "
                    "checkpoint. Free some, or use a machine that has more."
                ) from error
            raise MissingPackageError(package, EXTRA, PURPOSE, error) from error


def _let_threads_sleep() -> None:
    """Have threads that wait let others work, unless somebody has said how; before torch."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault(*SPINNING)


def _round_alike() -> None:
    """Have Intel's BLAS round alike wherever a process happens to keep its tensors.

    It looks at its first product, so whoever has set it, or has multiplied, is left as they are.
    """
    instructions = import_module("torch").backends.cpu.get_cpu_capability()
    if instructions in STRICT_ON:
        os.environ.setdefault(REPRODUCIBLE, f"{instructions},STRICT")


def _refuse_old(package: str, version: object) -> None:
    oldest = OLDEST.get(package)
    if oldest and isinstance(version, str) and _numbers(version) < _numbers(oldest):
        raise OldPackageError(package, version, oldest, EXTRA)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False
