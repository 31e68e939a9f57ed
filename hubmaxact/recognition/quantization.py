"""How weights are quantized, as config.json and its like say; known before any weight is read."""

from collections.abc import Iterator, Mapping
from typing import Any

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.recognition.card import origin
from hubmaxact.recognition.listing import Listing

DEQUANTIZED = ("mxfp4",)
"""Methods whose checkpoints are measured after dequantization."""

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


def declared(config: Mapping[str, Any]) -> str | None:
    """Return how a configuration says that the weights are quantized, its parts included.

    Args:
        config: The content of config.json.

    Returns:
        The method; "unknown" where only that they are is said. None: they are not.
    """
    return next(_methods(config), None)


def refuse_quantized(listing: Listing, config: Mapping[str, Any]) -> None:
    """Refuse weights that cannot be dequantized here, from small files alone.

    Args:
        listing: A folder or a repository.
        config: The content of its config.json.

    Raises:
        UnsafeCheckpointError: Names the method, and the model to measure instead if the card does.
    """
    methods = list(_methods(config)) or [method for method, _ in _said_beside(listing)]
    for method in methods:
        if method not in DEQUANTIZED:
            raise UnsafeCheckpointError(
                f"the weights of {listing.name} are quantized ({ascii(method)[:40]}), and only "
                f"{', '.join(DEQUANTIZED)} is dequantized here. Measure the checkpoint it was "
                f"quantized from{origin(listing)}."
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
    for said in _said(config):
        return {"quant_method": _method(said), **(said if isinstance(said, dict) else {})}
    for method, said in _said_beside(listing):
        inner = said.get("quantization")
        return {**(inner if isinstance(inner, dict) else said), "quant_method": method}
    return {}


def _methods(config: Mapping[str, Any]) -> Iterator[str]:
    """Every method that a configuration names, at any depth."""
    return map(_method, _said(config))


def _said(config: Mapping[str, Any]) -> Iterator[Any]:
    """All that a configuration says of quantized weights, at any depth."""
    parts = [config]
    for part in parts:  # grows meanwhile
        for key, value in part.items():
            # Other things than weights may be called quantization; the keys mean one thing alone.
            if _is_marked(value) if key == MLX else value and key in KEYS:
                yield value
            elif isinstance(value, dict):
                parts.append(value)


def _is_marked(said: object) -> bool:
    return isinstance(said, dict) and any(said.get(mark) for mark in MARKS)


def _method(said: object) -> str:
    found = said if isinstance(said, dict) else {}
    if name := found.get("quant_method") or found.get("quant_algo"):
        return str(name)
    if found.get("load_in_4bit") or found.get("load_in_8bit"):
        return "bitsandbytes"
    return f"{bits} bits" if (bits := found.get("bits")) else "unknown"


def _said_beside(listing: Listing) -> Iterator[tuple[str, dict[str, Any]]]:
    for file, method in OTHER_FILES.items():
        if file in listing.root:
            said = listing.json(file)
            if _is_marked(said) or _is_marked(said.get("quantization")):
                yield method, said
