"""Which tensors of a checkpoint are static scales of activations, by their names alone."""

from collections.abc import Iterator
from typing import NamedTuple

from hubmaxact.scales.caches import CACHE_NAMES
from hubmaxact.scales.linear_inputs import INPUT_NAMES
from hubmaxact.scales.tensors import INPUT


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


ZERO_POINT = "input_zero_point"
BESIDE = (ZERO_POINT, "output_zero_point", "k_zero_point", "v_zero_point")
"""What stands beside such scales where a range is not symmetric."""


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


def activation_scale(tensor: str) -> str | None:
    """Tell whether activations or a cache need a tensor, and weights do not.

    Args:
        tensor: Its full name.

    Returns:
        What it is called behind its module's name. None: it is none of these.
    """
    beside = tensor.rpartition(".")[2]
    named = next(scales_named(tensor), None)
    return named.name if named else (beside if beside in BESIDE else None)
