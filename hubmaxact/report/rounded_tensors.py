"""The tensors that deployed kernels and caches round, as a report names them."""

from typing import NamedTuple

from hubmaxact.deployed_formats import KEY, LINEAR_INPUT, VALUE
from hubmaxact.report.document import Report

SWITCHED_OFF = "switched off by --format-errors per-tensor"
"""Why a way that needs tokens whole was not measured."""


class RoundedPlace(NamedTuple):
    """One of them; `module` is the first that reads it, or the attention."""

    layer: int
    part: str | None
    module: str


def rounded_places(report: Report) -> dict[str, list[RoundedPlace]]:
    """Return them by kind, in the report's order; a kind without any has an empty list."""
    inputs = [
        RoundedPlace(row["layer"], row["part"], row["modules"][0])
        for row in report.get("linear_inputs", ())
    ]
    cached = [
        RoundedPlace(row["layer"], row["part"], row["module"]) for row in report.get("kv", ())
    ]
    return {LINEAR_INPUT: inputs, KEY: cached, VALUE: cached}
