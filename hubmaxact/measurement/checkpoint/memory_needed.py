"""Memory that runs out before the first batch, as one sentence: how much, and what would fit."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

from hubmaxact.errors import HubmaxactError, OutOfMemoryError
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.measurement.failures.memory import ran_out

BYTES = {"bfloat16": 2, "float16": 2, "float32": 4}
GIGABYTE = 1e9


@contextmanager
def shortage_told(
    files: WeightFiles,
    dtype: str,
    doing: str,
    *,
    is_spread: bool = False,
    is_streamed: bool = False,
) -> Iterator[None]:
    """Turn memory that runs out in a block into one sentence.

    Args:
        files: The weights that are loaded.
        dtype: Number format that they are loaded in.
        doing: What the block does, as "loading its weights".
        is_spread: Whether the weights are spread over all devices already.
        is_streamed: Whether layers are loaded one at a time.

    Raises:
        OutOfMemoryError: Says how much the weights need, and what would fit.
    """
    try:
        yield
    except HubmaxactError:
        raise
    except Exception as error:  # of many classes, see there
        if not ran_out(error):
            raise
        told = _sentence(files, dtype, doing, is_spread=is_spread, is_streamed=is_streamed)
        raise OutOfMemoryError(told) from error


def _sentence(
    files: WeightFiles, dtype: str, doing: str, *, is_spread: bool, is_streamed: bool
) -> str:
    elements = num_weights(files)
    need = f"{files.name} needs {size_words(elements * BYTES[dtype])} for its weights in {dtype}"
    if is_streamed:
        need = f"of {files.name} two layers are held, and all that is around them"
    smaller = f"--dtype bfloat16 ({size_words(elements * 2)}), " if BYTES[dtype] > 2 else ""
    spread = (
        ""
        if is_spread or is_streamed
        else "--device-map auto to spread them over the devices here, "
    )
    return (
        f"memory ran out while {doing}: {need}, and more while it runs. Use {smaller}{spread}"
        f"{'or ' if smaller or spread else ''}a machine or device with more memory."
    )


def num_weights(files: WeightFiles) -> int:
    """How many numbers the weights are once they are loaded.

    Args:
        files: By header only.

    Returns:
        Elements of all tensors that are used as they are stored, and of all quantized weights once
        they are expanded.
    """
    stored = files.stored
    names = files.tensors if stored is None else stored.plain
    plain = sum(prod(files.tensors[name].shape) for name in names)
    return plain + (0 if stored is None else sum(each.num_weights for each in stored.weights))


def size_words(num_bytes: int) -> str:
    """Bytes as people say them, in decimal units."""
    return (
        f"{num_bytes / GIGABYTE:.3g} GB"
        if num_bytes >= GIGABYTE / 10
        else (f"{num_bytes / 1e6:.3g} MB")
    )
