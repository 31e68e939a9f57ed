"""What a state's file says of itself, as JSON: which run, which batches, how tensors are stored.

Whoever wrote it, it is checked before anything of the size that it names is made.
"""

import json
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, NoReturn

from hubmaxact.measurement.state.compact import DTYPES, DamagedError, Form

MOST_BYTES = 1 << 26
MOST_MARKS = 1 << 23
"""Brackets and commas: a parser makes hundreds of bytes of objects of every few bytes of text."""

MOST_STATE_BYTES = 1 << 34
"""Of all tensors as they are in memory: some five times those of the largest models."""

MOST_DIMENSIONS = 8
MOST_EXTENT = 1 << 40


@dataclass(frozen=True, slots=True)
class StoredForm:
    """One tensor in a file.

    Attributes:
        name: The tensor's.
        form: How it is stored.
        size: In how many bytes.
    """

    name: str
    form: Form
    size: int


@dataclass(frozen=True, slots=True)
class About:
    """All that a file says beside its tensors' bytes.

    Attributes:
        run: As in `KeptState`.
        share: Likewise.
        done: Likewise.
        stored: The tensors, in the order of their bytes.
    """

    run: dict[str, Any]
    share: str
    done: tuple[int, ...]
    stored: tuple[StoredForm, ...]


def encode(about: About) -> bytes:
    """Return it as text.

    Args:
        about: All of it.

    Returns:
        JSON.

    Raises:
        ValueError: It is more than `decode` takes, or not JSON.
    """
    rows = [
        [each.name, each.form.dtype, list(each.form.shape), each.form.of_place, each.form.of_value,
         each.size]
        for each in about.stored
    ]  # fmt: skip
    said = {"run": about.run, "share": about.share, "done": list(about.done), "tensors": rows}
    text = json.dumps(said, allow_nan=False, separators=(",", ":")).encode()
    decode(text)
    return text


def decode(text: bytes) -> About:
    """Check what a file says.

    Args:
        text: Whoever wrote it.

    Returns:
        All of it.

    Raises:
        DamagedError: It is no such text, or names more than may be held in memory.
    """
    said = _json(text)
    if not (isinstance(said, dict) and set(said) == {"run", "share", "done", "tensors"}):
        raise DamagedError("not run, share, done and tensors")
    run, share, done, rows = said["run"], said["share"], said["done"], said["tensors"]
    if not (isinstance(run, dict) and isinstance(share, str) and _are_sizes(done)):
        raise DamagedError("a run, a share or batches that are none")
    if any(after <= before for before, after in pairwise(done)):
        raise DamagedError("batches that do not ascend")
    if not isinstance(rows, list):
        raise DamagedError("tensors that are no list")
    stored = tuple(map(_stored, rows))
    if len({each.name for each in stored}) < len(stored):
        raise DamagedError("the same tensor twice")
    if sum(each.form.num_bytes for each in stored) > MOST_STATE_BYTES:
        raise DamagedError(f"tensors of more than {MOST_STATE_BYTES:,} bytes")
    return About(run, share, tuple(done), stored)


def _json(text: bytes) -> Any:
    if len(text) > MOST_BYTES or sum(map(text.count, (b"{", b"[", b","))) > MOST_MARKS:
        raise DamagedError("more text than a state has")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise DamagedError("text that is not JSON") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise DamagedError("the same name twice")
    return names


def _refuse(constant: str) -> NoReturn:
    raise DamagedError(f"{constant}, which is not JSON")


def _stored(row: Any) -> StoredForm:
    if not (isinstance(row, list) and len(row) == 6):
        raise DamagedError("a tensor that is not told in six words")
    name, dtype, shape, *sizes = row
    if not (isinstance(name, str) and isinstance(dtype, str) and dtype in DTYPES):
        raise DamagedError("a tensor of an unknown dtype")
    if not (_are_sizes(shape) and len(shape) <= MOST_DIMENSIONS and _are_sizes(sizes)):
        raise DamagedError("a tensor of an impossible shape")
    # Of the extents that are not zero: one that is would hide how large the others are.
    if prod(extent or 1 for extent in shape) > MOST_EXTENT:
        raise DamagedError("a tensor of an impossible shape")
    place, value, size = sizes
    form = Form(dtype, tuple(shape), place, value)
    if not form.is_sound:
        raise DamagedError("a tensor that is stored in an impossible way")
    return StoredForm(name, form, size)


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(
        type(value) is int and 0 <= value <= MOST_EXTENT for value in values
    )
