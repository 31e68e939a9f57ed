"""The libraries of the extra `measure`: asked for before any work, loaded when the work needs them.

Without this, a base install would measure as far as an ImportError.
"""

from importlib.util import find_spec

from hubmaxact.errors import MissingPackageError

EXTRA = "measure"
PURPOSE = "measuring"
PACKAGES = ("torch", "transformers", "accelerate", "safetensors", "numpy")


def require() -> None:
    """Refuse to begin what a library is missing for; nothing is imported.

    Raises:
        MissingPackageError: One is not installed.
    """
    for package in PACKAGES:
        if not _is_there(package):
            raise MissingPackageError(package, EXTRA, PURPOSE)


def load() -> None:
    """Import what everything else here stands on, which takes seconds.

    Raises:
        MissingPackageError: A library is installed and cannot be loaded.
    """
    package = "torch"
    try:
        import torch

        torch.tensor(0)  # the leftover folder of another torch has no such thing
        package = "transformers"
        import transformers

        _ = transformers.PreTrainedModel  # imported when asked for
    except (ImportError, OSError, AttributeError, RuntimeError) as error:
        raise MissingPackageError(package, EXTRA, PURPOSE, error) from error


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False
