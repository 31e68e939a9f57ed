"""Which tensors of a quantized release are which weights, by their headers alone.

A module counts as quantized where the parts that its way of storing requires are there and the
codes have a dtype of codes; so what a list of ignored modules names needs no matching.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from time import monotonic

from hubmaxact.printable import printable
from hubmaxact.scales.names import activation_scale
from hubmaxact.stored_weights.declared import Declared
from hubmaxact.stored_weights.shapes import Entry, number_of, shape_of
from hubmaxact.stored_weights.storage import Scheme, Storage, StoredWeight, StoredWeights
from hubmaxact.stored_weights.table import PLAIN, STORAGES
from hubmaxact.stored_weights.unknown import UnsoundStorageError

INDEXES = ("I64", "I32", "BOOL")
"""Dtypes of tables and masks, which models hold beside weights."""

BIAS = "bias"
LAST_WORDS = frozenset(
    name.rpartition(".")[2] for way in STORAGES for name in (*way.suffixes, way.target)
)
"""What codes and weights are called; nothing of such a name is a table."""

MOST_SECONDS = 60.0
"""To match names with patterns; a release of a trillion weights takes a few."""


def stored_weights(declared: Declared, tensors: Mapping[str, Entry]) -> StoredWeights:
    """Tell what the weight files of a quantized release hold.

    Args:
        declared: What its configuration says.
        tensors: All that the files hold, by name.

    Returns:
        Weights that are stored as codes, and all the rest; each in the order of names.

    Raises:
        UnsoundStorageError: Codes lack their scale, a tensor of no plain dtype is claimed by
            nothing, or parts do not fit together.
    """
    aside = {name for name in tensors if activation_scale(name) is not None}
    rest = {name: entry for name, entry in tensors.items() if name not in aside}
    weights: dict[str, StoredWeight] = {}
    for storage in declared.storages:
        for weight in list(_weights(declared, storage, rest)):
            if weights.setdefault(weight.name, weight) is not weight:
                raise UnsoundStorageError(f"{_shown(weight.name)} is stored in two ways")
            for name in weight.parts.values():
                del rest[name]
    _check_rest(declared, rest, weights)
    return StoredWeights(
        method=declared.method,
        weights=tuple(weights[name] for name in sorted(weights)),
        plain=tuple(sorted(rest)),
        set_aside=tuple(sorted(aside)),
    )


def _weights(
    declared: Declared, storage: Storage, tensors: Mapping[str, Entry]
) -> Iterator[StoredWeight]:
    until = monotonic() + MOST_SECONDS
    for module, parts in _grouped(storage, tensors).items():
        codes = tensors[parts[storage.required[0]]].dtype
        if any(part not in parts for part in storage.required):
            continue
        if (scheme := declared.scheme_of(module, storage, codes)) is not None:
            entries = {part: tensors[name] for part, name in parts.items()}
            yield _weight(f"{module}.{storage.target}", scheme, parts, entries)
        if monotonic() > until:
            raise UnsoundStorageError("its patterns of modules take too long to match")


def _weight(
    name: str, scheme: Scheme, parts: Mapping[str, str], entries: Mapping[str, Entry]
) -> StoredWeight:
    try:
        shape = shape_of(entries, scheme)
    except UnsoundStorageError as error:
        raise UnsoundStorageError(f"{_shown(name)} {error}") from error
    number = number_of(entries, shape)
    return StoredWeight(name=name, shape=shape, scheme=scheme, parts=parts, num_weights=number)


def _grouped(storage: Storage, tensors: Mapping[str, Entry]) -> dict[str, dict[str, str]]:
    """Modules with codes of this way of storing -> part -> tensor."""
    modules: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in tensors:
        for module, part in _parts(storage, name):
            modules[module].append((part, name))
    found = {module: dict(parts) for module, parts in modules.items()}
    codes = storage.required[0]
    with_codes = {
        module: parts
        for module, parts in found.items()
        if codes in parts and tensors[parts[codes]].dtype in storage.codes
    }
    for module, parts in with_codes.items():
        if len(parts) < len(modules[module]):
            twice = [name for part, name in modules[module] if parts[part] != name]
            raise UnsoundStorageError(f"{_shown(twice[0])} is not the only part of its kind")
    return with_codes


def _parts(storage: Storage, name: str) -> Iterator[tuple[str, str]]:
    for suffix, part in storage.suffixes.items():
        if name.endswith(f".{suffix}"):
            yield name.removesuffix(f".{suffix}"), part


def _check_rest(
    declared: Declared, rest: Mapping[str, Entry], weights: Mapping[str, StoredWeight]
) -> None:
    """Nothing that is left may be, or belong to, a weight that is stored as codes."""
    for storage in declared.storages:
        for module, parts in _grouped(storage, rest).items():
            lacking = [part for part in storage.required if part not in parts]
            codes = parts[storage.required[0]]
            if lacking and declared.scheme_of(module, storage, rest[codes].dtype) is not None:
                raise UnsoundStorageError(
                    f"{_shown(codes)} holds codes ({rest[codes].dtype}), and their "
                    f"{lacking[0].replace('_', ' ')} is not there"
                )
    modules = {name.rpartition(".")[0] for name in weights if name.endswith(".weight")}
    for name in sorted(rest):
        module, _, last = name.rpartition(".")
        if name in weights:
            raise UnsoundStorageError(f"{_shown(name)} is stored as codes and plainly too")
        if module in modules and last != BIAS:
            raise UnsoundStorageError(
                f"{_shown(name)} stands beside codes, and nothing says what it does to them"
            )
        dtype = rest[name].dtype
        if dtype not in PLAIN and (dtype not in INDEXES or last in LAST_WORDS):
            raise UnsoundStorageError(
                f"{_shown(name)} is stored as {dtype}, and nothing says what that means"
            )


def _shown(name: str) -> str:
    return printable(name, 200)
