"""The scales that a checkpoint ships, each with what stands beside it; everything is hostile."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.recognition.listing import Listing
from hubmaxact.recognition.safetensors_header import TensorEntry
from hubmaxact.recognition.weights import SINGLE, Weights
from hubmaxact.scales.linear_inputs import INPUT_NAMES
from hubmaxact.scales.names import ZERO_POINT, ScaleName, scales_named
from hubmaxact.shipped_scales.conventions import Surroundings
from hubmaxact.shipped_scales.declaration import Declaration
from hubmaxact.shipped_scales.other_inputs import PRE_QUANT_SCALE
from hubmaxact.shipped_scales.small_tensors import Small, contents
from hubmaxact.shipped_scales.stored_numbers import NUMBER_KINDS, numbers_in
from hubmaxact.shipped_scales.watcher import Watcher

MOST_NUMBERS = 1024
"""In one scale: one for each head or expert. What holds more has one for each channel."""

MOST_ROWS = 500_000
MOST_CHANNELS = 1 << 20
MOST_FACTORS = 1 << 26
JOINTS = (".", "_")
WEIGHTS = (".weight", ".weight_packed", "")
"""What a map's weight is called behind its name; experts in one tensor are the weight."""

WEIGHT_SCALES = (".weight_scale", ".weight_scale_inv")
BESIDE = ("weight_scale_2", PRE_QUANT_SCALE, ZERO_POINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedScale:
    """One tensor of scales.

    Attributes:
        tensor: Its full name.
        name: What it scales, taken from that.
        dtype: As safetensors spells it.
        shape: Its own.
        numbers: What it holds. None: more than there are heads or experts, or of a dtype that is
            no scale's.
        around: What stands beside it.
        factors: What the channels of its input are multiplied with first. None: with nothing, or
            that was not asked for.
    """

    tensor: str
    name: ScaleName
    dtype: str
    shape: tuple[int, ...]
    numbers: tuple[float, ...] | None
    around: Surroundings
    factors: Sequence[float] | None = None


def shipped_scales(
    listing: Listing,
    weights: Weights,
    tensors: Mapping[str, TensorEntry],
    declared: Declaration,
    watcher: Watcher,
    *,
    with_factors: bool = False,
) -> list[ShippedScale]:
    """Read every static scale of activations.

    Args:
        listing: A folder or a repository.
        weights: Its weight files.
        tensors: All that they hold, by name.
        declared: What the configuration says.
        watcher: Told of each piece of a file that was read.
        with_factors: Whether to read what channels are multiplied with, too.

    Returns:
        One for each tensor and kind, in the order of their names, numbers by value.

    Raises:
        UnsafeCheckpointError: There are more than anybody's checkpoint has.
        HubError: They cannot be fetched.
    """
    ordered = sorted(tensors, key=by_number)
    names = [(tensor, name) for tensor in ordered for name in scales_named(tensor)]
    small = {tensor: tensors[tensor] for tensor, _ in names if _is_small(tensors[tensor])}
    factors = _factors(names, tensors) if with_factors else {}
    of_channels = {name: tensors[name] for name in factors.values()}
    if len(names) + _total(small) > MOST_ROWS or _total(of_channels) > MOST_FACTORS:
        raise UnsafeCheckpointError(
            f"{listing.name} holds more than {MOST_ROWS:,} scales of activations, or "
            f"{MOST_FACTORS:,} factors of channels, which are not read. Name a checkpoint of one "
            "model."
        )
    wanted = small | of_channels
    where = (Small(name, weights.tensors.get(name, SINGLE), wanted[name]) for name in wanted)
    held = contents(listing, where, watcher)
    return [
        ShippedScale(
            tensor=tensor,
            name=name,
            dtype=tensors[tensor].dtype,
            shape=tensors[tensor].shape,
            numbers=numbers_in(tensors[tensor].dtype, held[tensor]) if tensor in held else None,
            around=_around(name.module, tensors, declared),
            factors=_numbers(factors.get(name.module), tensors, held),
        )
        for tensor, name in names
    ]


def without_scales(tensors: Mapping[str, TensorEntry]) -> Iterator[str]:
    """Yield the quantized maps that have no scale for their input.

    Args:
        tensors: All that the weight files hold, by name.

    Yields:
        Names of modules, likewise.
    """
    for tensor in sorted(tensors, key=by_number):
        for end in WEIGHT_SCALES:
            module = tensor.removesuffix(end)
            inputs = (f"{module}.{name}" for name in INPUT_NAMES)
            if module != tensor and not any(name in tensors for name in inputs):
                yield module


def by_number(name: str) -> tuple[tuple[int, str], ...]:
    """A key that puts layer 2 before layer 10."""
    return tuple((int(w), "") if w.isdecimal() else (-1, w) for w in name.split("."))


def _total(tensors: Mapping[str, TensorEntry]) -> int:
    return sum(prod(entry.shape) for entry in tensors.values())


def _factors(
    names: Iterable[tuple[str, ScaleName]], tensors: Mapping[str, TensorEntry]
) -> dict[str, str]:
    """Linear maps whose channels are multiplied first -> the tensor that holds the factors."""
    modules = dict.fromkeys(name.module for _, name in names)
    found = {module: f"{module}.{PRE_QUANT_SCALE}" for module in modules}
    return {module: name for module, name in found.items() if _is_row(tensors.get(name))}


def _is_row(entry: TensorEntry | None) -> bool:
    """One number for each channel of a map, no more channels than anybody's map has."""
    if entry is None or entry.dtype not in NUMBER_KINDS or len(entry.shape) != 1:
        return False
    return 0 < entry.shape[0] <= MOST_CHANNELS


def _numbers(
    name: str | None, tensors: Mapping[str, TensorEntry], held: Mapping[str, bytes]
) -> Sequence[float] | None:
    return None if name is None else numbers_in(tensors[name].dtype, held[name])


def _is_small(entry: TensorEntry) -> bool:
    return entry.dtype in NUMBER_KINDS and 0 < prod(entry.shape) <= MOST_NUMBERS


def _around(module: str, tensors: Mapping[str, TensorEntry], declared: Declaration) -> Surroundings:
    weight = (tensors[module + end].dtype for end in WEIGHTS if module + end in tensors)
    beside = {name for name in BESIDE for joint in JOINTS if f"{module}{joint}{name}" in tensors}
    return Surroundings(next(weight, None), beside, declared.algorithm_of(module), declared)
