"""A folder for the weights that fit no memory, which goes when the model does."""

import shutil
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import mkdtemp


@contextmanager
def spill_folder() -> Iterator[tuple[str, Callable[[object], None]]]:
    """Make a folder for a model that is loaded in the block, and remove it if that fails.

    Yields:
        The folder, and a function that takes the model: the folder is there while it is.
    """
    folder = mkdtemp(prefix="hubmaxact-")
    try:
        yield folder, lambda model: _with(model, folder)
    except BaseException:
        _remove(folder)
        raise


def _with(model: object, folder: str) -> None:
    weakref.finalize(model, _remove, folder)


def _remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
