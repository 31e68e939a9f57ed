"""What a forward pass adds to what: every tensor as a sum of others, seen as operations run.

Needs shapes only, so it works on tensors without values too. Knows torch's operations; knows
nothing of layers or roles.
"""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

MATRIX = 2  # dimensions of a tensor with one row for each token

KEEPING = frozenset(
    {
        "alias",
        "clone",
        "contiguous",
        "detach",
        "dropout",  # of a model that is not trained
        "flatten",
        "reshape",
        "slice",
        "squeeze",
        "to",
        "_to_copy",
        "type_as",
        "unsqueeze",
        "_unsafe_view",
        "view",
    }
)
"""Operations whose result is their first argument: other shapes and number formats of the same."""


MADE_OF_NUMBERS = frozenset(
    {
        "arange",
        "empty",
        "empty_like",
        "full",
        "full_like",
        "new_empty",
        "new_full",
        "new_ones",
        "new_zeros",
        "ones",
        "ones_like",
        "zeros",
        "zeros_like",
    }
)
"""Operations that read no activation: what they make is the same whatever the model is given."""

FITTING = frozenset({"expand", "expand_as"})
"""Operations that repeat a vector for every token: it stays the same value."""

PICKING = frozenset({"chunk", "index", "index_select", "split", "split_with_sizes"})
"""Operations that may pick some rows of their first argument."""


@dataclass(slots=True, eq=False)
class Value:
    """What one tensor held at one moment; views and copies of it are the same value."""

    parts: tuple["Value", ...] = ()  # it is the sum of these, or one of them times a factor
    factor: float | None = None  # of a single part; None where the factor is a tensor
    made_by: list[tuple[str, int]] = field(default_factory=list)  # modules that put it out, index
    read_by: list[str] = field(default_factory=list)  # modules whose first tensor it is
    rows_of: "Value | None" = None  # it is some rows of this one, none of them changed
    is_constant: bool = False  # made of numbers, out of no activation
    is_weight: bool = False  # a weight, or made of weights and numbers alone

    @property
    def whole(self) -> "Value":
        """What its rows were picked from."""
        return self if self.rows_of is None else self.rows_of.whole

    @property
    def is_sum(self) -> bool:
        """Whether it was made by adding."""
        return len(self.parts) > 1

    @property
    def is_scaled(self) -> bool:
        """Whether it was made by multiplying with a number."""
        return len(self.parts) == 1

    def holds(self, other: "Value") -> bool:
        """Whether another value is a summand of it, however deep, scaled or not."""
        return self is other or any(part.holds(other) for part in self.parts)


class Dataflow(TorchDispatchMode):
    """Tells of every tensor which value it holds, for as long as the tensor lives; keeps none."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._values = WeakTensorKeyDictionary()  # by identity: a model's weights may come and go

    def of(self, x: Tensor) -> Value:
        """The value of a tensor; one that no known operation made is a value of its own."""
        found: Value | None = self._values.get(x)
        if found is None:
            found = self._values[x] = Value(is_weight=isinstance(x, nn.Parameter))
        return found

    def forget(self) -> None:
        """Have every tensor that comes from an activation be a value of its own from now on."""
        kept = {x: value for x, value in self._values.items() if value.is_weight}
        self._values = WeakTensorKeyDictionary(kept)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run one operation and note what it made."""
        out = func(*args, **(kwargs or {}))
        name = func.name().removeprefix("aten::").partition(".")[0]
        if name in MADE_OF_NUMBERS:
            self._values[out] = Value(is_constant=True)
        elif name in PICKING and args:
            self._pick(args, out)
        elif isinstance(out, Tensor) and out.is_floating_point() and args:
            made = self._made(name, out, args, kwargs or {})
            if made is None and self._is_of_weights(args):
                made = Value(is_weight=True)
            if made is not None:
                self._values[out] = made
        return out

    def _is_of_weights(self, args: tuple[Any, ...]) -> bool:
        """Whether an operation read weights, and else nothing but numbers."""
        given = [self.of(each) for each in args if isinstance(each, Tensor)]
        whole = all(each.is_weight or each.is_constant for each in given)
        return whole and any(each.is_weight for each in given)

    def _pick(self, args: tuple[Any, ...], out: Any) -> None:
        """Pieces whose rows are whole rows of the first argument."""
        first = args[0]
        if not isinstance(first, Tensor) or not first.is_floating_point():
            return
        for piece in (out,) if isinstance(out, Tensor) else out:
            if first.dim() == piece.dim() == MATRIX and piece.shape[1] == first.shape[1]:
                self._values[piece] = Value(rows_of=self.of(first))

    def _made(
        self, name: str, out: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Value | None:
        """What an operation put out; None: a value of its own, which is met when it is used."""
        first = args[0]
        if not isinstance(first, Tensor):
            return None
        fits = name in FITTING and first.dim() == 1
        if fits or (name in KEEPING and out.numel() == first.numel()):
            return self.of(first)
        plain, in_place = name.removesuffix("_"), name.endswith("_")
        other: Any = args[1] if len(args) > 1 else None
        if plain == "add" and not kwargs and _alike(out, first) and _alike(out, other):
            return Value((self.of(first), self.of(other)))
        if plain == "mul" and _alike(out, first) and _is_one(other):
            return self.of(first)
        if plain == "mul" and _alike(out, first) and _is_number(other):
            return Value((self.of(first),), None if isinstance(other, Tensor) else float(other))
        return Value() if in_place else None


def _alike(out: Tensor, x: object) -> bool:
    return isinstance(x, Tensor) and x.shape == out.shape


def _is_one(x: object) -> bool:
    """Whether a product with it is the other factor, to the last bit."""
    return isinstance(x, int | float) and x == 1


def _is_number(x: object) -> bool:
    return isinstance(x, int | float) or (isinstance(x, Tensor) and x.numel() == 1)
