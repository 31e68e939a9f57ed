"""A kept state taken over whole, or refused: a `load` trusts what it is given."""

from collections.abc import Callable
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor

from hubmaxact.measurement.failures.memory import ran_out
from hubmaxact.measurement.state.compact import BITS
from hubmaxact.measurement.state.state_file import KeptState, StateError
from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.printable import printable

RAISED = (LookupError, ValueError, TypeError, RuntimeError, ArithmeticError, AssertionError)
"""What a `load` may meet in a state that is not of its kind."""


class Mergeable(Protocol):
    """What goes on from a state: a recorder, or any accumulator."""

    def state(self) -> State:
        """Everything it knows."""

    def load(self, state: State, /) -> None:
        """Go on from a state."""

    def merge(self, other: Self, /) -> None:
        """Fold in all that another has seen."""


Of = TypeVar("Of", bound=Mergeable)


def merge_kept(into: Of, new: Callable[[], Of], kept: KeptState, name: str) -> None:
    """Fold a kept state into what a run has seen, or refuse it.

    A tensor of another shape may be spread over one that is there, or taken as it is and not fit
    for what follows, and what nobody asks for may be passed over. Then what was loaded, merged into
    a new one, no longer has the state that was read.

    Args:
        into: The run's recorder.
        new: Makes another of the same run, which has seen nothing.
        kept: A state, whoever made it.
        name: What sentences call it: where it was read.

    Raises:
        StateError: The state is not one of such a recorder.
    """
    loaded, whole = new(), new()
    try:
        loaded.load(dict(kept.tensors))
        whole.merge(loaded)
        found = whole.state()
        _refuse_unlike(kept.tensors, found, name)
        into.merge(whole)
    except RAISED as error:
        if ran_out(error):
            raise
        raise _refusal(name, "it holds what no site of this model shows") from error


def _refuse_unlike(read: State, found: State, name: str) -> None:
    for key in {**read, **found}:
        if key not in found or key not in read or not _same(found[key], read[key]):
            raise _refusal(name, f"{printable(key)} is not what a site of this model shows")


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are of one dtype and shape, and the same to the last bit."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    bits = BITS[one.element_size()]
    return torch.equal(*(each.cpu().reshape(-1).view(bits) for each in (one, other)))


def _refusal(name: str, found: str) -> StateError:
    return StateError(f"{name} cannot be gone on from: {found}. Remove it, and measure again.")
