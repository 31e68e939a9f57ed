"""What compressed-tensors declares: groups of modules, each with a format, weights and inputs."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hubmaxact.stored_weights.entries import (
    Said,
    an_object,
    one_of,
    said_briefly,
    sides,
    size,
    text,
)
from hubmaxact.stored_weights.group import Group
from hubmaxact.stored_weights.storage import RoundedInput, Scheme, Storage
from hubmaxact.stored_weights.table import MXFP4, NVFP4_DIVISOR, PACKED_INT, SCALED
from hubmaxact.stored_weights.targets import targets
from hubmaxact.stored_weights.unknown import UnknownStorageError

METHOD = "compressed-tensors"
E4M3, INT8 = frozenset({"F8_E4M3"}), frozenset({"I8"})


class Format(NamedTuple):
    """A format of compressed-tensors.

    Attributes:
        storage: How its weights are stored.
        bits: Those that a code may have, by the type of the weights.
        group_size: Columns that share a scale, where the format has but one number of them.
    """

    storage: Storage
    bits: Mapping[str, tuple[int, ...]]
    group_size: int | None = None


TO_8 = tuple(range(2, 9))
MOST_GROUPS = 64

FORMATS = {
    "int-quantized": Format(SCALED, {"int": TO_8}),
    "float-quantized": Format(SCALED, {"float": (8,)}),
    "naive-quantized": Format(SCALED, {"int": TO_8, "float": (8,)}),
    "mxfp8-quantized": Format(SCALED, {"float": (8,)}, 32),
    "pack-quantized": Format(PACKED_INT, {"int": TO_8}),
    "nvfp4-pack-quantized": Format(NVFP4_DIVISOR, {"float": (4,)}, 16),
    "mxfp4-pack-quantized": Format(MXFP4, {"float": (4,)}, 32),
}
"""Formats that are expanded here."""

FLOATS = {(8, 32): "mxfp8", (4, 32): "mxfp4", (4, 16): "nvfp4"}
"""Number formats of inputs by bits and columns that share a scale; others of 8 bits are E4M3."""


def compressed_tensors(said: Said) -> list[Group]:
    """Read `compressed-tensors`.

    Args:
        said: What the configuration says.

    Returns:
        One for each declared group whose weights are quantized.

    Raises:
        UnknownStorageError: Sparse or rotated weights, a format that is not among those above, or
            groups that cannot be told apart without the model's classes.
    """
    sparsity = said.get("sparsity_config")
    form = an_object(sparsity).get("format") or "dense"
    if form != "dense" or (sparsity and not isinstance(sparsity, dict)):
        raise UnknownStorageError(f"{METHOD} with sparse weights ({said_briefly(form)})")
    _refuse_transforms(said)
    declared = an_object(said.get("config_groups")).values()
    if len(declared) > MOST_GROUPS:
        raise UnknownStorageError(f"{METHOD} with more than {MOST_GROUPS} groups")
    groups = [group for each in declared for group in _groups(an_object(each), said)]
    if not groups:
        raise UnknownStorageError(f"{METHOD} that names no group of weights")
    _refuse_classes(groups)
    return groups


def _refuse_transforms(said: Said) -> None:
    """Rotated weights belong to rotated activations: they are no weights of the plain model."""
    found = said.get("transform_config")
    if found and (not isinstance(found, dict) or found.get("config_groups", found)):
        raise UnknownStorageError(f"{METHOD} with transformed weights (transform_config)")


def _groups(group: Said, said: Said) -> Iterator[Group]:
    weights = group.get("weights")
    if weights is None:
        return
    named = group.get("format") or said.get("format")
    if not isinstance(named, str) or named not in FORMATS:
        raise UnknownStorageError(f"{METHOD} of format {said_briefly(named)}")
    form, method = FORMATS[named], f"{METHOD} {named}"
    if not isinstance(weights, dict):
        raise UnknownStorageError(f"{method} with weights of {said_briefly(weights)}")
    entry: Said = weights
    kind = (text(entry, "type") or "int").lower()
    one_of(kind, tuple(form.bits), f"{method} with weights of type {{}}")
    one_of(entry.get("num_bits", 8), form.bits[kind], f"{method} of {{}} bits")
    group_size = size(entry, "group_size", method)
    if form.group_size is not None:
        one_of(group_size or form.group_size, (form.group_size,), f"{method} with groups of {{}}")
        group_size = form.group_size
    block = sides(entry, "block_structure", method)
    if form.storage is SCALED and group_size is not None:
        block = (1, group_size)
    scheme = Scheme(
        storage=form.storage,
        bits=entry.get("num_bits", 8),
        group_size=group_size,
        block=block,
        inputs=_inputs(group.get("input_activations"), method),
    )
    codes = None if form.storage is not SCALED else (INT8 if kind == "int" else E4M3)
    yield Group(scheme, targets(group.get("targets"), METHOD), codes)


def _inputs(said: object, method: str) -> RoundedInput | None:
    """How inputs are rounded: by whole tensors, tokens, or groups of a token's channels."""
    if said is None:
        return None
    entry = an_object(said)
    bits, kind = entry.get("num_bits", 8), (text(entry, "type") or "int").lower()
    one_of(bits, TO_8, f"{method} with inputs of {{}} bits")
    group = size(entry, "group_size", method)
    strategy = text(entry, "strategy") or ("tensor" if group is None else "group")
    is_stored = entry.get("dynamic", False) in (False, "local")
    is_symmetric = entry.get("symmetric", True) is not False
    if strategy in ("group", "tensor_group") and group is not None:
        name = _number_format(bits, kind, group, is_symmetric=is_symmetric)
        stored = "input_global_scale" if is_stored and strategy == "tensor_group" else None
        return RoundedInput(format=name, granularity=f"block_{group}", stored=stored)
    one_of(strategy, ("tensor", "token"), f"{method} with inputs by {{}}")
    name = _number_format(bits, kind, None, is_symmetric=is_symmetric)
    stored = "input_scale" if is_stored and strategy == "tensor" else None
    return RoundedInput(format=name, granularity=f"per_{strategy}", stored=stored)


def _number_format(bits: int, kind: str, group: int | None, *, is_symmetric: bool) -> str:
    if kind == "int":
        return f"int{bits}" if is_symmetric else f"int{bits}_asymmetric"
    return FLOATS.get((bits, group or 0), "float8_e4m3fn" if bits == 8 else f"float{bits}")


def _refuse_classes(groups: list[Group]) -> None:
    """Two ways for one storage, each for a class of modules, which no file tells apart."""
    by_class: dict[tuple[str, frozenset[str] | None], Scheme] = {}
    for group in groups:
        if group.targets.has_classes:
            key = group.scheme.storage.name, group.codes
            if by_class.setdefault(key, group.scheme) != group.scheme:
                raise UnknownStorageError(
                    f"{METHOD} with groups that only classes of modules tell apart"
                )
