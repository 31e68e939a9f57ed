"""How the products of a run were made: part of the environment, because bits depend on it."""

from typing import Literal

from hubmaxact.report.document import Environment

NATIVE: Literal["native"] = "native"
"""By the kernels that torch has for the run's number format."""
FLOAT32: Literal["float32"] = "float32"
"""In float32, each result rounded once to the run's number format."""


def products_of(environment: Environment) -> Literal["native", "float32"]:
    """How a run multiplied; reports from before the field was there multiplied natively."""
    return environment.get("products", NATIVE)


def same_environment(one: Environment, other: Environment) -> bool:
    """Whether the bits of two runs must be equal."""
    return {**one, "products": products_of(one)} == {**other, "products": products_of(other)}
