"""What a layer is given beside the hidden state, kept until its turn comes.

Masks and rotary embeddings are one object for all layers of a pass, and equal in passes of equal
shape: each is kept once.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from transformers import Cache

from hubmaxact.measurement.anatomy import module_traits

HIDDEN = "hidden_states"
"""What transformers calls the hidden state, where it is given by name."""


@dataclass(frozen=True, slots=True)
class Call:
    """The arguments of one call of a layer, without the hidden state."""

    layer: int
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    hidden: int | str  # where that stands

    def around(self, hidden: Tensor) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with a hidden state; what the layer writes into them dies with the call."""
        args, kwargs = rebuilt(list(self.args), _same), rebuilt(self.kwargs, _same)
        (args if isinstance(self.hidden, int) else kwargs)[self.hidden] = hidden
        return tuple(args), kwargs


def note(
    layer: int, args: tuple[Any, ...], kwargs: dict[str, Any], keep: Callable[[Tensor], Tensor]
) -> tuple[Call, Tensor]:
    """Part the hidden state from the rest.

    Args:
        layer: That is called.
        args: As it is given them.
        kwargs: Likewise.
        keep: Returns what is kept of each other tensor.

    Returns:
        The rest, and the hidden state.
    """
    where = _hidden(args, kwargs)
    given: Any = list(args), dict(kwargs)
    holder = given[0] if isinstance(where, int) else given[1]
    hidden, holder[where] = holder[where], None
    others, named = rebuilt(given, keep)
    return Call(layer, tuple(others), named, where), hidden


def _hidden(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | str:
    """The first tensor, or the one of that name."""
    for place, given in enumerate(args):
        if isinstance(given, Tensor):
            return place
    if isinstance(kwargs.get(HIDDEN), Tensor):
        return HIDDEN
    return next(name for name, given in kwargs.items() if isinstance(given, Tensor))


def _same(x: Tensor) -> Tensor:
    return x


def rebuilt(given: Any, keep: Callable[[Tensor], Tensor]) -> Any:
    """Make containers and caches anew around what they hold.

    Args:
        given: Anything.
        keep: Returns what stands in a tensor's place.

    Returns:
        The same without a container in common.
    """
    if isinstance(given, Tensor):
        return keep(given)
    if type(given) in {list, tuple}:
        return type(given)(rebuilt(each, keep) for each in given)
    if type(given) is dict:
        return {name: rebuilt(each, keep) for name, each in given.items()}
    return copy.deepcopy(given) if isinstance(given, Cache) else given


class Shared:
    """Keeps equal tensors once, over all layers of a pass and over the passes of a chunk."""

    def __init__(self) -> None:
        self.num_bytes = 0
        self._of_pass: dict[int, tuple[Tensor, Tensor]] = {}  # by identity; held, so it stays one
        self._by_shape: dict[object, Tensor] = {}
        self._storages: set[int] = set()

    def next_pass(self) -> None:
        """Forget which objects were seen: those of another pass are others."""
        self._of_pass.clear()

    def keep(self, x: Tensor) -> Tensor:
        """Return a tensor that is kept already and equal to the last bit, or this one."""
        if id(x) not in self._of_pass:
            self._of_pass[id(x)] = x, self._kept(x)
        return self._of_pass[id(x)][1]

    def _kept(self, x: Tensor) -> Tensor:
        place = (len(self._of_pass), x.shape, x.stride(), x.dtype, x.device)
        before = self._by_shape.setdefault(place, x)
        if before is not x and module_traits.same_bits(before, x):
            return before
        self._by_shape[place] = x
        storage = x.untyped_storage()
        if storage.data_ptr() not in self._storages:
            self._storages.add(storage.data_ptr())
            self.num_bytes += storage.nbytes()
        return x
