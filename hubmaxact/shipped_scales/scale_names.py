"""Which tensors of a checkpoint are static scales of activations, by their names alone."""

from collections.abc import Iterator
from typing import NamedTuple

from hubmaxact.shipped_scales.other_inputs import INPUT, KEY, QUERY, VALUE


class ScaleName(NamedTuple):
    """A tensor's name taken apart.

    Attributes:
        kind: What it scales.
        module: The linear map's name, or the attention's.
        name: The rest, without the dot.
    """

    kind: str
    module: str
    name: str


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

INPUT_NAMES = ("input_global_scale", "input_scale_ub", "input_scale", "activation_scale")
"""Behind a map's name and a dot; or, where experts are one tensor, behind its name and a `_`."""

ZERO_POINT = "input_zero_point"


def scales_named(tensor: str) -> Iterator[ScaleName]:
    """Yield what a tensor scales, if it is a scale of activations.

    Args:
        tensor: Its full name.

    Yields:
        Mostly one; two where one number scales keys and values; none of any other tensor.
    """
    for end, kinds in CACHE_NAMES:
        if tensor.endswith(end):
            module = tensor.removesuffix(end)
            yield from (ScaleName(kind, module, end[1:]) for kind in kinds)
            return
    for name in INPUT_NAMES:
        for joint in (".", "_"):
            if tensor.endswith(joint + name):
                yield ScaleName(INPUT, tensor.removesuffix(joint + name), name)
                return
