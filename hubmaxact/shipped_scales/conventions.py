"""Which convention a shipped number follows, told from names, dtypes and what is declared.

One more way of writing scales is one more row; the first row that matches holds.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from hubmaxact.shipped_scales.declaration import FP8_CACHE, INT8_CACHE, Declaration
from hubmaxact.shipped_scales.number_formats import (
    BOUND,
    FP8,
    INT8_127,
    INT8_127_5,
    NVFP4,
    NVFP4_DIVISOR,
    NumberFormat,
)

MODELOPT, COMPRESSED_TENSORS = "modelopt", "compressed-tensors"
FP8_WEIGHTS = frozenset({"F8_E4M3"})
INT8_WEIGHTS = frozenset({"I8"})
ANY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """One row of the table; what is empty asks nothing.

    Attributes:
        number_format: What activations become.
        names: Of the tensor, behind its module's.
        weights: Dtypes of the weight beside it.
        beside: Another tensor of the module.
        methods: What config.json calls the method.
        algorithms: What Model-Optimizer calls the scheme.
        inputs: (bits, type) of all declared inputs.
        divisor: Whether the number divides: its reciprocal is the multiplier.
    """

    number_format: NumberFormat
    names: frozenset[str]
    weights: frozenset[str] = ANY
    beside: str | None = None
    methods: frozenset[str] = ANY
    algorithms: frozenset[str] = ANY
    inputs: tuple[int, str] | None = None
    divisor: bool = False


INPUT_SCALE = frozenset({"input_scale"})
ACTIVATION_SCALE = frozenset({"activation_scale"})
EITHER = INPUT_SCALE | ACTIVATION_SCALE

INPUTS = (
    Convention(number_format=NVFP4_DIVISOR, names=frozenset({"input_global_scale"}), divisor=True),
    Convention(number_format=BOUND, names=frozenset({"input_scale_ub"})),
    # Weights of four bits and inputs of eight: the second scale of the weights says nothing here.
    Convention(
        number_format=FP8,
        names=INPUT_SCALE,
        algorithms=frozenset({"W4A8_NVFP4_FP8", "W4A8_MXFP4_FP8"}),
    ),
    Convention(number_format=NVFP4, names=INPUT_SCALE, beside="weight_scale_2"),
    Convention(number_format=FP8, names=EITHER, weights=FP8_WEIGHTS),
    Convention(
        number_format=INT8_127_5,
        names=INPUT_SCALE,
        weights=INT8_WEIGHTS,
        methods=frozenset({COMPRESSED_TENSORS}),
    ),
    Convention(number_format=INT8_127, names=INPUT_SCALE, weights=INT8_WEIGHTS),
    Convention(number_format=FP8, names=INPUT_SCALE, inputs=(8, "float")),
    Convention(
        number_format=INT8_127_5,
        names=INPUT_SCALE,
        inputs=(8, "int"),
        methods=frozenset({COMPRESSED_TENSORS}),
    ),
)
"""Of linear inputs."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands beside a shipped number.

    Attributes:
        weight: Dtype of the module's weight. None: it has none by a known name.
        beside: Names of the module's other tensors.
        algorithm: Model-Optimizer's name for the module's scheme. None: not said.
        declared: What the configuration says.
    """

    weight: str | None
    beside: Collection[str]
    algorithm: str | None
    declared: Declaration


def input_convention(name: str, around: Surroundings) -> Convention | None:
    """Tell which convention the scale of a linear input follows.

    Args:
        name: Of the tensor, behind its module's.
        around: What stands beside it.

    Returns:
        The first row that matches. None: none does.
    """
    return next((row for row in INPUTS if _matches(row, name, around)), None)


CACHES: Mapping[tuple[str | None, bool], NumberFormat] = {
    (None, False): FP8,
    (None, True): FP8,
    (FP8_CACHE, False): FP8,
    (FP8_CACHE, True): FP8,
    (INT8_CACHE, False): INT8_127,
    (INT8_CACHE, True): INT8_127_5,
}
"""(the cache's scheme, whether compressed-tensors wrote it) -> what its scales stand for."""


def cache_convention(declared: Declaration) -> NumberFormat | None:
    """Tell what the scales of keys and values stand for.

    Args:
        declared: What the configuration says.

    Returns:
        What they become. None: that cannot be told.
    """
    return CACHES.get((declared.cache, declared.method == COMPRESSED_TENSORS))


def _matches(row: Convention, name: str, around: Surroundings) -> bool:
    asked: tuple[tuple[object, Callable[[], bool]], ...] = (
        (row.names, lambda: name in row.names),
        (row.weights, lambda: around.weight in row.weights),
        (row.beside, lambda: row.beside in around.beside),
        (row.methods, lambda: around.declared.method in row.methods),
        (row.algorithms, lambda: around.algorithm in row.algorithms),
        (row.inputs, lambda: around.declared.inputs == {row.inputs}),
    )
    return all(holds() for question, holds in asked if question)
