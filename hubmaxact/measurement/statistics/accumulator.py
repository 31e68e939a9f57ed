"""What every accumulator promises, and how states of several become one.

Exact and order-free: any batching, order, device or merge of the same values gives the same bits.
Batches, shards, processes and resumed runs rest on nothing else.
"""

from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeVar

from torch import Tensor

State = dict[str, Tensor]
"""An accumulator as named tensors: integers, extremes and ordered selections."""


Observed_contra = TypeVar("Observed_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Accumulator(Protocol[Observed_contra, Result_co]):
    """Folds in what it observes and tells what follows from all of it."""

    def update(self, observed: Observed_contra, /) -> None:
        """Fold in one batch.

        Args:
            observed: Rows of a site, values of a tensor or chosen experts: each accumulator says
                which.

        Raises:
            ValueError: It is of another shape or dtype than this accumulator takes.
        """

    def merge(self, other: Self, /) -> None:
        """Fold in all that another accumulator of the same kind has seen; it stays as it is."""

    def state(self) -> State:
        """Everything it knows. Tensors may be its own: save or clone them before the next update.

        Returns:
            Tensors by name, on the accumulator's device; `load` takes them back.
        """

    def load(self, state: State, /) -> None:
        """Forget everything, and go on from a state, which stays as it is."""

    def result(self) -> Result_co:
        """What follows; plain and frozen, and may be asked again."""


def joined(parts: Mapping[str, Accumulator[Any, Any]]) -> State:
    """The states of named accumulators as one: `name/key`."""
    states = {name: part.state() for name, part in parts.items()}
    return {f"{name}/{key}": held for name, state in states.items() for key, held in state.items()}


def by_part(state: State) -> dict[str, State]:
    """A joined state taken apart again, by the parts' names."""
    parts: dict[str, State] = {}
    for name, tensor in state.items():
        part, _, key = name.partition("/")
        parts.setdefault(part, {})[key] = tensor
    return parts
