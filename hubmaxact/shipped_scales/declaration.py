"""What a checkpoint's configuration says of its activations' scales; whatever else is in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hubmaxact.scales.tensors import FP8_CACHE, INT8_CACHE

CACHE_SCHEMES = {(8, "float"): FP8_CACHE, (8, "int"): INT8_CACHE}
"""(bits, type) of a cache's scheme -> how Model-Optimizer calls it."""

UNKNOWN_CACHE = "unknown"
"""A scheme of which neither bits nor a name are known."""

STATIC_ALGORITHMS = frozenset(
    {
        "FP8",
        "NVFP4",
        "NVFP4_AWQ",
        "NVFP4_SVD",
        "W4A8_AWQ",
        "W4A8_NVFP4_FP8",
        "W4A8_MXFP4_FP8",
        "W8A8_SQ_PER_CHANNEL",
    }
)
"""Model-Optimizer's schemes that store a scale for each linear input."""

ONE_SCALE = (None, "tensor", "tensor_group")
"""Strategies of compressed-tensors that store one scale for a whole input."""

STORED = (False, "local")
"""What `dynamic` says where one scale is stored, whatever blocks do besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What is said, as far as it is of use; names may be anything.

    Attributes:
        method: What the configuration calls the method; "" where it says nothing.
        algorithm: Model-Optimizer's scheme. None: not said.
        algorithms: The same by module, where they differ.
        inputs: (bits, type) of all inputs with stored scales.
        static_inputs: Whether every quantized map has a stored scale for its input.
        input_observers: What chose those scales; empty where that is not said.
        cache: How keys and values are quantized, as Model-Optimizer calls it. None: not said.
        cache_observer: What chose their scales. None: not said.
        transformed: Whether weights and activations were rotated or otherwise transformed.
    """

    method: str
    algorithm: str | None = None
    algorithms: Mapping[str, str]
    inputs: frozenset[tuple[int, str]]
    static_inputs: bool
    input_observers: frozenset[str]
    cache: str | None
    cache_observer: str | None
    transformed: bool

    def algorithm_of(self, module: str) -> str | None:
        """Model-Optimizer's scheme of one module. None: not said."""
        return self.algorithms.get(module, self.algorithm)


def declaration(said: Mapping[str, Any]) -> Declaration:
    """Read what a configuration says.

    Args:
        said: The quantization's object, whoever wrote it.

    Returns:
        What is of use; whatever is of another kind than it should be is as if it were not there.
    """
    groups = list(_objects(said.get("config_groups")))
    inputs = [each for group in groups for each in _stored_inputs(group)]
    cache = said.get("kv_cache_scheme") or said.get("kv_cache_quant_algo")
    observer = cache.get("observer") if isinstance(cache, dict) else None
    return Declaration(
        method=_text(said.get("quant_method")) or "",
        algorithm=_text(said.get("quant_algo")),
        algorithms=dict(_algorithms(said.get("quantized_layers"))),
        inputs=frozenset(filter(None, map(_kind, inputs))),
        static_inputs=_are_static(said, len(groups), len(inputs)),
        input_observers=frozenset(filter(None, (_text(i.get("observer")) for i in inputs))),
        cache=_cache(cache),
        cache_observer=_text(observer),
        transformed=_is_transformed(said.get("transform_config")),
    )


def _are_static(said: Mapping[str, Any], num_groups: int, num_stored: int) -> bool:
    if num_groups:
        return num_stored == num_groups
    return (
        said.get("quant_algo") in STATIC_ALGORITHMS
        if isinstance(said.get("quant_algo"), str)
        else said.get("activation_scheme") == "static"
    )


def _stored_inputs(group: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The scheme of a group's inputs, where one scale is stored for each."""
    inputs = group.get("input_activations")
    if (
        isinstance(inputs, dict)
        and inputs.get("dynamic", False) in STORED
        and inputs.get("strategy") in ONE_SCALE
    ):
        yield inputs


def _is_transformed(transforms: object) -> bool:
    """Whether any is named: compressed-tensors writes an empty object where there is none."""
    return bool(transforms.get("config_groups", transforms) if isinstance(transforms, dict) else 0)


def _cache(scheme: object) -> str | None:
    """How a cache is quantized; None where it is not, or its scales are not stored."""
    if isinstance(scheme, str):
        return scheme.upper()
    if not isinstance(scheme, dict) or scheme.get("dynamic", False) is not False:
        return None
    kind = _kind(scheme)
    return CACHE_SCHEMES.get(kind, UNKNOWN_CACHE) if kind else UNKNOWN_CACHE


def _kind(scheme: Mapping[str, Any]) -> tuple[int, str] | None:
    bits, kind = scheme.get("num_bits"), scheme.get("type")
    return (bits, kind) if type(bits) is int and isinstance(kind, str) else None


def _algorithms(layers: object) -> Iterator[tuple[str, str]]:
    if isinstance(layers, dict):
        for module, scheme in layers.items():
            if isinstance(scheme, dict) and isinstance(scheme.get("quant_algo"), str):
                yield module, scheme["quant_algo"]


def _objects(found: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(found, dict):
        yield from (each for each in found.values() if isinstance(each, dict))


def _text(found: object) -> str | None:
    return found if isinstance(found, str) and found else None
