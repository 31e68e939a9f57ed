"""Which convention a shipped number follows, told from names, dtypes and what is declared."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from hubmaxact.scales.caches import CACHES
from hubmaxact.scales.linear_inputs import INPUTS, Convention
from hubmaxact.scales.number_formats import NumberFormat
from hubmaxact.shipped_scales.declaration import Declaration


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


def cache_convention(declared: Declaration) -> NumberFormat | None:
    """Tell what the scales of keys and values stand for.

    Args:
        declared: What the configuration says.

    Returns:
        What they become. None: that cannot be told.
    """
    rows = (row for row in CACHES if declared.cache in row.schemes)
    found = (row for row in rows if not row.methods or declared.method in row.methods)
    return next((row.number_format for row in found), None)


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
