"""Why transformers could not build a model from its configuration, with the entry that is to blame.

A library's own words may be the bare value that it did not know, or the arithmetic that failed.
"""

import re
from collections.abc import Iterator
from typing import Any

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.measurement.checkpoint.configuration import CONFIG
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.measurement.failures.own_error import reason
from hubmaxact.printable import printable, shown

UNKNOWN_FUNCTION = re.compile(r"function (?P<name>.+) not found in ACT2FN")
ARITHMETIC = re.compile(r"by zero|division|negative (power|dimension)")
SIZE = re.compile(r"(^|_)(n|num|dim|size|heads|layers|experts|factor|groups|rank)(_|$)")
COMPARE = "Compare it with the configuration the model was released with."


def not_built(files: WeightFiles, error: Exception) -> UnsafeCheckpointError:
    """Return the refusal of a configuration that nothing could be built from.

    Args:
        files: What `inspect` found sound.
        error: What transformers raised.

    Returns:
        One sentence: what it said, the entry that it comes from where that shows, and what to do.
    """
    advice = COMPARE
    if isinstance(error, ImportError):
        advice = (
            "Install the package that it names, for this torch and this device, or leave out what "
            "asks for it (attn_implementation)."
        )
    return UnsafeCheckpointError(
        f"transformers cannot build {files.name} from its {CONFIG}: {_said(files, error)}. {advice}"
    )


def _said(files: WeightFiles, error: Exception) -> str:
    entries = list(_entries(files.config, ""))
    unknown = _unknown(error)
    if unknown and (keys := [key for key, value in entries if value == unknown]):
        return f"it knows no {' and no '.join(keys[:3])} {shown(unknown)}"
    words = reason(error)
    if ARITHMETIC.search(words):
        blamed = [f"{key} {shown(value)}" for key, value in entries if _is_no_size(key, value)]
        return words + (f" ({', '.join(blamed[:3])})" if blamed else "")
    return words


def _unknown(error: Exception) -> str | None:
    """The value that transformers had no entry for, in either of the ways that it says so."""
    said = str(error.args[0]) if isinstance(error, KeyError) and error.args else ""
    found = UNKNOWN_FUNCTION.search(said)
    return found["name"] if found else said or None


def _is_no_size(key: str, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value <= 0 and bool(SIZE.search(key))


def _entries(config: dict[str, Any], around: str) -> Iterator[tuple[str, Any]]:
    """Every entry of a configuration that is no object, by its path."""
    for key, value in config.items():
        name = f"{around}.{printable(key)}" if around else printable(key)
        if isinstance(value, dict):
            yield from _entries(value, name)
        elif isinstance(value, list):
            yield from ((name, each) for each in value)
        else:
            yield name, value
