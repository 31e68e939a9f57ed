"""Products with a model's weights that no call of a map shows, seen as functions run.

Experts pick their matrix out of a stack, and some modules read the weight of a map without calling
it. Knows torch's functions; knows nothing of layers or roles.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from hubmaxact.measurement.anatomy.call_scope import open_during_calls
from hubmaxact.measurement.anatomy.row_tokens import RowTokens
from hubmaxact.measurement.anatomy.token_layout import Routed

STACK = 3  # dimensions of a matrix for each expert

SAME_WEIGHT = frozenset(
    {
        "T",
        "bfloat16",
        "contiguous",
        "data",
        "detach",
        "float",
        "half",
        "mT",
        "t",
        "to",
        "transpose",
        "type",
    }
)
"""Functions whose result is their first argument, if that is a weight: turned, or cast."""

IN_PARTS = frozenset({"view", "reshape"})
"""Functions that make a stack of matrices below each other."""

PRODUCTS = {"linear": 0, "matmul": 0, "mm": 0, "bmm": 0, "rmatmul": 0, "addmm": 1, "baddbmm": 1}
"""Functions that multiply two matrices, and where the first of both stands."""


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter, and the name that a report gives to what multiplies by it."""

    name: str
    owner: nn.Module
    attribute: str
    is_joined: bool = False  # a matrix that may be several below each other (DBRX's experts)

    @property
    def now(self) -> Tensor | None:
        """The parameter: another object after weights were moved."""
        return self.owner._parameters.get(self.attribute)  # noqa: SLF001 a lookup that never raises


@dataclass(frozen=True, slots=True)
class Product:
    """What was multiplied with a weight."""

    weight: Weight
    x: Tensor  # (..., channels)
    rows: Routed | None  # of a stack of matrices: what each row belongs to, where that is known
    num_matrices: int | None = None  # in the stack


ShowProduct = Callable[[Product], None]
Replace = Callable[[Weight, Tensor], Tensor]
"""Is given a weight and what is multiplied with it, (..., channels); returns what shall be."""


def follow_products(
    hooks: ExitStack, module: nn.Module, weights: Sequence[Weight], show: ShowProduct
) -> None:
    """Show the products with some weights in every call of a module.

    Args:
        hooks: Takes the hooks off again.
        module: What is given one row for each token, as (tokens, channels) or
            (sequences, tokens, channels).
        weights: Those of interest, of modules inside it.
        show: Hears of a product before it is made.
    """

    def following(start: Tensor | None) -> AbstractContextManager[object]:
        return nullcontext() if start is None else _Following(weights, start, show)

    open_during_calls(hooks, module, following)


def replace_factors(
    hooks: ExitStack, module: nn.Module, weights: Sequence[Weight], replace: Replace
) -> None:
    """Multiply some weights with something else in every call of a module.

    Whoever follows the same products already is shown what stood there before.

    Args:
        hooks: Takes the hooks off again.
        module: Whose calls are meant.
        weights: Those of interest, of modules inside it.
        replace: Is asked before each of their products.
    """
    open_during_calls(hooks, module, lambda _: _Replacing(weights, replace), outermost=True)


@dataclass(frozen=True, slots=True)
class _Part:
    """A weight as a function meets it: all of it, or the matrix of one expert."""

    weight: Weight
    number: int | None  # of matrices, if it is a stack or of one
    expert: Any = None


@dataclass(frozen=True, slots=True)
class _Factor:
    """What is multiplied with a weight, and where it stands among a function's arguments."""

    part: _Part
    x: Tensor  # (..., channels)
    place: int
    is_turned: bool  # it stands there as (channels, ...), on the right

    def replaced(self, args: tuple[Any, ...], x: Tensor) -> tuple[Any, ...]:
        """The arguments with another tensor in its place."""
        turned = x.transpose(-1, -2) if self.is_turned else x
        return (*args[: self.place], turned, *args[self.place + 1 :])


class _Weights:
    """Tells of tensors whether they are a weight, turned, cast or taken apart."""

    def __init__(self, weights: Sequence[Weight]) -> None:
        self._weights = weights
        self._parts: dict[int, tuple[Tensor, _Part]] = {}

    def factor(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _Factor | None:
        """What a product multiplies with a weight that is meant; None where it has none."""
        begin = PRODUCTS[name]
        one, other = (*args[begin:], kwargs.get("weight"), None)[:2]
        places = (begin, begin + 1)
        if name == "rmatmul":
            one, other, places = other, one, places[::-1]
        if (part := self._part(other)) is not None and _is_meant(part):
            return _Factor(part, one, places[0], is_turned=False)
        if (part := self._part(one)) is not None and _is_meant(part):
            return _Factor(part, other.transpose(-1, -2), places[1], is_turned=True)
        return None

    def follow(self, name: str, args: tuple[Any, ...], out: object) -> None:
        """Note what a function made of a weight."""
        if not args or not isinstance(args[0], Tensor) or not isinstance(out, Tensor):
            return
        if name not in SAME_WEIGHT and name not in IN_PARTS and name != "getitem":
            return
        part = self._part(args[0])
        if part is None:
            return
        if name == "getitem":
            if args[0].dim() != STACK or out.dim() != STACK - 1:
                return
            part = _Part(part.weight, part.number, args[1])
        elif name in IN_PARTS:
            part = _Part(part.weight, _number(out))
        self._parts[id(out)] = out, part

    def _part(self, x: object) -> _Part | None:
        if id(x) in self._parts:
            return self._parts[id(x)][1]
        if not isinstance(x, Tensor):
            return None
        weight = next((weight for weight in self._weights if weight.now is x), None)
        return None if weight is None else _Part(weight, _number(x))


class _Following(TorchFunctionMode):
    """Tells of every tensor whether it is a weight, and which token its rows are of."""

    def __init__(self, weights: Sequence[Weight], start: Tensor, show: ShowProduct) -> None:
        super().__init__()
        self._weights, self._show = _Weights(weights), show
        self._rows = RowTokens(start)

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run one function, and note what it read and made."""
        name, named = _name(func), kwargs or {}
        if name in PRODUCTS and (factor := self._weights.factor(name, args, named)) is not None:
            self._show(self._told(factor.part, factor.x))
        out = func(*args, **named)
        self._rows.follow(name, args, named, out)
        self._weights.follow(name, args, out)
        return out

    def _told(self, part: _Part, x: Tensor) -> Product:
        if part.number is None:
            return Product(part.weight, x, None)
        dense = part.expert is None
        token = self._rows.of(x)
        if token is None or (dense and x.dim() != STACK):
            return Product(part.weight, x, None, part.number)
        if dense:
            expert = torch.arange(len(x), device=x.device).repeat_interleave(x.shape[1])
        else:
            number = torch.as_tensor(part.expert, device=x.device)
            expert = number.expand(len(token)).contiguous()
        return Product(part.weight, x, Routed(token, expert, dense), part.number)


class _Replacing(TorchFunctionMode):
    """Puts something else in the place of what is multiplied with a weight."""

    def __init__(self, weights: Sequence[Weight], replace: Replace) -> None:
        super().__init__()
        self._weights, self._replace = _Weights(weights), replace

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run one function on what shall be multiplied."""
        name, named = _name(func), kwargs or {}
        if name in PRODUCTS and (factor := self._weights.factor(name, args, named)) is not None:
            args = factor.replaced(args, self._replace(factor.part.weight, factor.x))
        out = func(*args, **named)
        self._weights.follow(name, args, out)
        return out


def _number(x: Tensor) -> int | None:
    """How many matrices a tensor is a stack of."""
    return len(x) if x.dim() == STACK else None


def _is_meant(part: _Part) -> bool:
    """Whether it is a map's or an expert's; one joined matrix that stays whole is a router's."""
    return not part.weight.is_joined or part.number is not None


def _name(func: Any) -> str:
    """A function's name without underscores at its ends; of a property, the property's."""
    name: str = getattr(func, "__name__", "")
    if name == "__get__":
        name = func.__self__.__name__
    return name.strip("_")
