"""How weights are quantized, as config.json and its like say; known before any weight is read."""

from collections.abc import Iterator, Mapping
from typing import Any

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.printable import shown
from hubmaxact.recognition.card import origin
from hubmaxact.recognition.listing import Listing
from hubmaxact.scales.tensors import COMPRESSED_TENSORS
from hubmaxact.stored_weights.declared import Declared, declared
from hubmaxact.stored_weights.unknown import UnknownStorageError

MARKS = ("quant_method", "quant_algo", "bits", "w_bit", "load_in_4bit", "load_in_8bit")
"""What says that weights are quantized, a name of the method first."""

KEYS = ("quantization_config", "compression_config")
MLX = "quantization"
"""Where a configuration says it: transformers, old compressed-tensors, and MLX."""

OTHER_FILES = {
    "hf_quant_config.json": "modelopt",
    "quantize_config.json": "gptq",
    "quant_config.json": "awq",
}
"""Files that older tools wrote beside a config.json that says nothing, and their method."""


EXPERTS = "expert_dtype"
"""DeepSeek-V4 has it beside the object that says the rest."""


def method_of(config: Mapping[str, Any]) -> str | None:
    """Return how a configuration says that the weights are quantized, its parts included.

    Args:
        config: The content of config.json.

    Returns:
        The method; "unknown" where only that they are is said. None: they are not.
    """
    return next(map(_method, (said for _, said in _said(config))), None)


def storage_declared(listing: Listing, config: Mapping[str, Any]) -> Declared | None:
    """Tell how a checkpoint's weights are stored, from small files alone.

    Args:
        listing: A folder or a repository.
        config: The content of its config.json.

    Returns:
        Every way of storing that it names. None: nothing says that weights are quantized.

    Raises:
        UnsafeCheckpointError: They cannot be dequantized here. Names the method, and the model to
            measure instead if the card does.
    """
    ways: list[Declared] = []
    try:
        for said in _all_said(listing, config):
            if (found := declared(said)) not in ways:
                ways.append(found)
    except UnknownStorageError as error:
        raise _refusal(listing, str(error)) from error
    if len(ways) > 1:
        raise _refusal(listing, "in several ways, each for a part of the model")
    return ways[0] if ways else None


def _refusal(listing: Listing, found: str) -> UnsafeCheckpointError:
    return UnsafeCheckpointError(
        f"the weights of {listing.name} are quantized ({found}), and that is not dequantized here. "
        f"Measure the checkpoint it was quantized from{origin(listing)}."
    )


def said_of_weights(listing: Listing, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that a checkpoint says of how its weights are quantized.

    Args:
        listing: A folder or a repository.
        config: The content of its config.json.

    Returns:
        The object in the configuration, and where there is none that of a file beside it, with
        `quant_method`; what is in it may be anything. Empty: nothing says that they are quantized.
    """
    return next(_all_said(listing, config), {})


def _all_said(listing: Listing, config: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What the configuration says, at any depth; else what a file beside it does."""
    is_said = False
    for part, said in _said(config):
        is_said = True
        beside = {EXPERTS: part[EXPERTS]} if EXPERTS in part else {}
        entries = said if isinstance(said, dict) else {}
        yield {**beside, **entries, "quant_method": _method(said)}
    for method, said in [] if is_said else _said_beside(listing):
        inner = said.get("quantization")
        yield {**(inner if isinstance(inner, dict) else said), "quant_method": method}


def _said(config: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """All that a configuration says of quantized weights, at any depth, with the part it is in."""
    parts = [config]
    for part in parts:  # grows meanwhile
        for key, value in part.items():
            # Other things than weights may be called quantization; the keys mean one thing alone.
            if _is_marked(value) if key == MLX else value and key in KEYS:
                yield part, value
            elif isinstance(value, dict):
                parts.append(value)


def _is_marked(said: object) -> bool:
    return isinstance(said, dict) and any(said.get(mark) for mark in MARKS)


def _method(said: object) -> str:
    found = said if isinstance(said, dict) else {}
    if name := found.get("quant_method") or found.get("quant_algo"):
        return name if isinstance(name, str) else shown(name)
    if found.get("load_in_4bit") or found.get("load_in_8bit"):
        return "bitsandbytes"
    if found.get("config_groups"):
        return COMPRESSED_TENSORS
    return f"{shown(bits)} bits" if (bits := found.get("bits")) else "unknown"


def _said_beside(listing: Listing) -> Iterator[tuple[str, dict[str, Any]]]:
    for file, method in OTHER_FILES.items():
        if file in listing.root:
            said = listing.json(file)
            if _is_marked(said) or _is_marked(said.get("quantization")):
                yield method, said
