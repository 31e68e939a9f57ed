"""The page's own files, as they lie in the package: a closed list of names, never a path.

Knows nothing of what is in them.
"""

from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePath

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}


@cache
def names() -> tuple[str, ...]:
    """Every file of the page, by name."""
    return tuple(sorted(entry.name for entry in _folder().iterdir() if _is_asset(entry)))


def read(name: str) -> bytes:
    """The bytes of one file of the page.

    Args:
        name: One of `names()`.

    Returns:
        Its content as it stands in the package.

    Raises:
        KeyError: The page has no such file.
    """
    if name not in names():
        raise KeyError(name)
    return _folder().joinpath(name).read_bytes()


def media_type(name: str) -> str:
    """What a server says that the file is.

    Args:
        name: One of `names()`.

    Returns:
        A media type, with its character set where it is text.

    Raises:
        KeyError: The page has no such file.
    """
    if name not in names():
        raise KeyError(name)
    return MEDIA_TYPES[PurePath(name).suffix]


def _folder() -> Traversable:
    return resources.files("hubmaxact.page").joinpath("assets")


def _is_asset(entry: Traversable) -> bool:
    return entry.is_file() and PurePath(entry.name).suffix in MEDIA_TYPES
