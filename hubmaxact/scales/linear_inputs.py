"""The table of static scales of linear inputs: whose names, dtypes and shapes, which limit and way.

One more way of writing scales is one more row. A shipped number follows the first row that matches;
an export writes what a row says is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hubmaxact.scales.number_formats import (
    BOUND,
    FP8,
    INT8_127,
    INT8_127_5,
    NVFP4,
    NVFP4_DIVISOR,
    NumberFormat,
)
from hubmaxact.scales.tensors import ANY, COMPRESSED_TENSORS, MODELOPT, TRANSFORMERS


class Written(NamedTuple):
    """The tensor that one tool writes for one map.

    Attributes:
        name: What follows the module's name and a dot.
        shape: Of its one number.
    """

    name: str
    shape: tuple[int, ...]


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
        written: What tools write by this convention, as far as a report has what they need.
    """

    number_format: NumberFormat
    names: frozenset[str]
    weights: frozenset[str] = ANY
    beside: str | None = None
    methods: frozenset[str] = ANY
    algorithms: frozenset[str] = ANY
    inputs: tuple[int, str] | None = None
    divisor: bool = False
    written: Mapping[str, Written] = field(default_factory=dict)


FP8_WEIGHTS = frozenset({"F8_E4M3"})
INT8_WEIGHTS = frozenset({"I8"})

INPUT_SCALE = frozenset({"input_scale"})
ACTIVATION_SCALE = frozenset({"activation_scale"})
EITHER = INPUT_SCALE | ACTIVATION_SCALE

INPUTS = (
    Convention(
        number_format=NVFP4_DIVISOR,
        names=frozenset({"input_global_scale"}),
        divisor=True,
        written={COMPRESSED_TENSORS: Written("input_global_scale", (1,))},
    ),
    Convention(number_format=BOUND, names=frozenset({"input_scale_ub"})),
    # Weights of four bits and inputs of eight: the second scale of the weights says nothing here.
    Convention(
        number_format=FP8,
        names=INPUT_SCALE,
        algorithms=frozenset({"W4A8_NVFP4_FP8", "W4A8_MXFP4_FP8"}),
    ),
    Convention(
        number_format=NVFP4,
        names=INPUT_SCALE,
        beside="weight_scale_2",
        written={MODELOPT: Written("input_scale", ())},
    ),
    Convention(
        number_format=FP8,
        names=EITHER,
        weights=FP8_WEIGHTS,
        written={
            COMPRESSED_TENSORS: Written("input_scale", (1,)),
            MODELOPT: Written("input_scale", ()),
            TRANSFORMERS: Written("activation_scale", ()),
        },
    ),
    Convention(
        number_format=INT8_127_5,
        names=INPUT_SCALE,
        weights=INT8_WEIGHTS,
        methods=frozenset({COMPRESSED_TENSORS}),
        written={COMPRESSED_TENSORS: Written("input_scale", (1,))},
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

INPUT_NAMES = tuple(dict.fromkeys(name for row in INPUTS for name in sorted(row.names)))
"""Behind a map's name and a dot; or, where experts are one tensor, behind its name and a `_`."""
