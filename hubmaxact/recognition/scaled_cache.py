"""Checkpoints whose cache alone is quantized: their weights are what they were without the scales.

So they are measured, verified and held against reports as if the scales were not there. `export`
makes such checkpoints, and llm-compressor does.
"""

from collections.abc import Collection, Mapping
from typing import Any

from hubmaxact.recognition.weights import SINGLE, Weights
from hubmaxact.scales.caches import is_cache_scale
from hubmaxact.scales.tensors import COMPRESSED_TENSORS

QUANTIZATION = "quantization_config"

SHARD = "model-kv-scales.safetensors"
"""The file that an export adds."""

RENAMED = "model-00001-of-00001.safetensors"
"""What an export calls a single weight file, beside an index: under its own name transformers would
load it alone, and never look at the index.
"""

OTHER_NAMES = {SINGLE: RENAMED, RENAMED: SINGLE}


def without_cache_scheme(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a configuration without what it says of its cache.

    Args:
        config: The content of config.json, whoever wrote it.

    Returns:
        The rest. None: the cache is not all that compressed-tensors quantized, if anything.
    """
    said = config.get(QUANTIZATION)
    if (
        not isinstance(said, dict)
        or said.get("quant_method") != COMPRESSED_TENSORS
        or said.get("config_groups")
        or not isinstance(said.get("kv_cache_scheme"), dict)
    ):
        return None
    return {key: value for key, value in config.items() if key != QUANTIZATION}


def without_scale_files(weights: Weights) -> Weights:
    """Return the weights of a place without the files that hold nothing but scales of a cache.

    Args:
        weights: All that is loaded.

    Returns:
        The rest.
    """
    aside = scale_files(weights.tensors)
    tensors = {tensor: file for tensor, file in weights.tensors.items() if file not in aside}
    return Weights(tuple(f for f in weights.files if f not in aside), tensors, weights.beside)


def scale_files(tensors: Mapping[str, str]) -> frozenset[str]:
    """Return the files in which an index has nothing but scales of a cache.

    Args:
        tensors: The file of each tensor.

    Returns:
        Their names.
    """
    others = {file for tensor, file in tensors.items() if not is_cache_scale(tensor)}
    return frozenset(tensors.values()) - others


def called(name: str, here: Collection[str]) -> str:
    """Return what a weight file is called in another place, where only an export was made since.

    Args:
        name: Of a measured file.
        here: Names of the weight files there.

    Returns:
        The other name of a single file, if that is there instead; else the same name.
    """
    other = OTHER_NAMES.get(name, name)
    return other if name not in here and other in here else name


def scales_left_aside(name: str) -> str:
    """Return the sentence about a place whose cache has scales."""
    return (
        f"The cache of {name} is quantized by its config.json and its weights are not: it is "
        "measured as it is without those scales."
    )
