"""The table of static scales of keys and values: names, schemes, limits. All of them multiply."""

from dataclasses import dataclass

from hubmaxact.scales.number_formats import (
    FP8,
    INT4_8,
    INT8_127,
    INT8_127_5,
    INT8_128,
    NumberFormat,
)
from hubmaxact.scales.tensors import (
    ANY,
    COMPRESSED_TENSORS,
    FP8_CACHE,
    INT8_CACHE,
    KEY,
    ONNXRUNTIME,
    QUERY,
    VALUE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheConvention:
    """One row of the table.

    Attributes:
        number_format: What keys and values become.
        schemes: What a checkpoint's configuration calls the cache; None: nothing. Empty: no
            checkpoint holds such scales, they stand in a file of their own.
        methods: What it calls the method; empty: whatever it is called.
        files: Whose file of scales holds them.
    """

    number_format: NumberFormat
    schemes: frozenset[str | None] = frozenset()
    methods: frozenset[str] = ANY
    files: frozenset[str] = ANY


CACHES = (
    CacheConvention(number_format=FP8, schemes=frozenset({None, FP8_CACHE})),
    CacheConvention(
        number_format=INT8_127_5,
        schemes=frozenset({INT8_CACHE}),
        methods=frozenset({COMPRESSED_TENSORS}),
    ),
    CacheConvention(number_format=INT8_127, schemes=frozenset({INT8_CACHE})),
    CacheConvention(number_format=INT8_128, files=frozenset({ONNXRUNTIME})),
    CacheConvention(number_format=INT4_8, files=frozenset({ONNXRUNTIME})),
    CacheConvention(number_format=FP8, files=frozenset({ONNXRUNTIME})),
)
"""The first row that matches holds."""

CACHE_NAMES = (
    (".k_proj.k_scale", (KEY,)),
    (".v_proj.v_scale", (VALUE,)),
    (".qkv_proj.k_scale", (KEY,)),
    (".qkv_proj.v_scale", (VALUE,)),
    (".k_proj.output_scale", (KEY,)),
    (".v_proj.output_scale", (VALUE,)),
    (".q_proj.output_scale", (QUERY,)),
    (".k_cache.scale", (KEY,)),
    (".v_cache.scale", (VALUE,)),
    (".k_scale", (KEY,)),
    (".v_scale", (VALUE,)),
    (".q_scale", (QUERY,)),
    (".kv_scale", (KEY, VALUE)),
)
"""Ends of names, the longer of two first -> what the number scales; before it stands attention."""

WRITTEN_NAMES = {KEY: "k_scale", VALUE: "v_scale"}
"""What is written behind an attention's name and a dot: engines and transformers read it."""


def is_cache_scale(tensor: str) -> bool:
    """Whether a tensor scales keys, values or queries, by its full name alone."""
    return any(tensor.endswith(end) for end, _ in CACHE_NAMES)
