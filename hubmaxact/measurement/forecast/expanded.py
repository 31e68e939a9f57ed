"""What a quantized release becomes when it is loaded: how many weights, of what size."""

from collections import defaultdict
from dataclasses import dataclass

from hubmaxact.measurement.checkpoint.memory_needed import BYTES
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.stored_weights.counts import by_scale, by_storage
from hubmaxact.stored_weights.storage import StoredWeight


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """The weights that are stored in one way.

    Attributes:
        storage: Name of the way, as reports have it.
        num_weights: How many weights, each with tensors of its own.
        num_parameters: How many numbers they are once they are expanded.
        stored_bytes: Of their tensors in the files.
        expanded_bytes: In the number format of the run.
    """

    storage: str
    num_weights: int
    num_parameters: int
    stored_bytes: int
    expanded_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantized:
    """What is done to a quantized release before it runs.

    Attributes:
        method: What its configuration calls the method.
        expanded: Weights by the way they are stored in, the most first.
        set_aside: Scales of activations and caches by name -> tensors, the most first.
    """

    method: str
    expanded: tuple[Expanded, ...]
    set_aside: dict[str, int]


def expansion(files: WeightFiles, dtype: str) -> Quantized | None:
    """Tell it from headers alone.

    Args:
        files: What `inspect` or `describe_checkpoint` found sound.
        dtype: Number format of the run.

    Returns:
        Numbers. None: the weights are not quantized.
    """
    if files.stored is None:
        return None
    weights: dict[str, list[StoredWeight]] = defaultdict(list)
    for weight in files.stored.weights:
        weights[weight.scheme.storage.name].append(weight)
    return Quantized(
        method=files.stored.method,
        expanded=tuple(
            _expanded(files, storage, weights[storage], BYTES[dtype])
            for storage in by_storage(files.stored)
        ),
        set_aside=by_scale(files.stored),
    )


def _expanded(
    files: WeightFiles, storage: str, weights: list[StoredWeight], num_bytes: int
) -> Expanded:
    number = sum(each.num_weights for each in weights)
    parts = (files.tensors[name] for each in weights for name in each.parts.values())
    return Expanded(
        storage=storage,
        num_weights=len(weights),
        num_parameters=number,
        stored_bytes=sum(part.num_bytes for part in parts),
        expanded_bytes=number * num_bytes,
    )
