"""Which token each row of a tensor is of, followed through the functions of a forward pass.

A row is one place of all dimensions but the last. What no rule here knows has no known rows, so
nothing is guessed. Knows torch's functions; knows nothing of layers, experts or roles.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

KEEPING = frozenset(
    {
        "abs",
        "add",
        "bfloat16",
        "clamp",
        "clone",
        "contiguous",
        "detach",
        "div",
        "double",
        "dropout",
        "erf",
        "exp",
        "float",
        "gelu",
        "half",
        "hardtanh",
        "layer_norm",
        "leaky_relu",
        "linear",
        "matmul",
        "bmm",
        "mish",
        "mul",
        "neg",
        "pow",
        "radd",
        "relu",
        "relu6",
        "rms_norm",
        "rmul",
        "rsqrt",
        "rsub",
        "sigmoid",
        "silu",
        "softmax",
        "softplus",
        "square",
        "sub",
        "tanh",
        "to",
        "truediv",
        "type",
        "type_as",
    }
)
"""Functions that leave every row in its place, where the dimensions before the last stay."""

RESHAPING = frozenset({"flatten", "reshape", "squeeze", "unsqueeze", "view"})
"""Functions that leave all elements in their order."""

MATRIX = 2  # dimensions of one row a token


class RowTokens:
    """Tells of the tensors of one call which token each of their rows is of.

    Args:
        start: What the call is given: one row for each token, (tokens, channels) or
            (sequences, tokens, channels).
    """

    def __init__(self, start: Tensor) -> None:
        self._num_tokens = math.prod(start.shape[:-1])
        self._batch = start.shape[:2] if start.dim() > MATRIX else None
        self._known: dict[int, tuple[Tensor, Tensor]] = {}  # with the tensor, which keeps its id
        self._keep(start, self._all(start))

    def of(self, x: Tensor) -> Tensor | None:
        """The tokens of its rows, shape (rows,); None where nothing tells."""
        if id(x) in self._known:
            return self._known[id(x)][1]
        if self._batch is None or x.dim() <= MATRIX or x.shape[:2] != self._batch:
            return None
        return self._all(x).repeat_interleave(math.prod(x.shape[2:-1]))

    def follow(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
        """Note the rows of what a function made of its arguments.

        Args:
            name: Of the function, without underscores at its ends.
            args: Its arguments.
            kwargs: Its arguments by name.
            out: What it made.
        """
        if name in KEEPING:
            self._kept(args, out)
        elif name in RESHAPING and isinstance(out, Tensor):
            self._reshaped(args[0], out)
        elif name in _RULES and args and (isinstance(args[0], Tensor) or name == "cat"):
            _RULES[name](self, args, kwargs, out)

    def _all(self, like: Tensor) -> Tensor:
        return torch.arange(self._num_tokens, device=like.device)

    def _keep(self, x: Any, rows: Tensor | None) -> None:
        if isinstance(x, Tensor) and rows is not None:
            self._known[id(x)] = x, rows

    def _kept(self, args: tuple[Any, ...], out: Any) -> None:
        """The rows of the first argument that has the same, if any says which they are."""
        if not isinstance(out, Tensor) or out.dim() < MATRIX:
            return
        alike = (x for x in args if isinstance(x, Tensor) and x.shape[:-1] == out.shape[:-1])
        rows = (self._known[id(x)][1] for x in alike if id(x) in self._known)
        self._keep(out, next(rows, None))

    def _reshaped(self, x: Tensor, out: Tensor) -> None:
        """Rows stay rows, or fall into several of the same token."""
        rows = self.of(x) if x.dim() and out.dim() else None
        if rows is None or not out.shape[-1]:
            return
        pieces, rest = divmod(x.shape[-1], out.shape[-1])
        if not rest and x.numel() == out.numel():
            self._keep(out, rows if pieces == 1 else rows.repeat_interleave(pieces))

    def _indexed(self, args: tuple[Any, ...], _: Mapping[str, Any], out: Any) -> None:
        """Rows chosen by their numbers, or channels cut off every row."""
        x, index = args[:2]
        rows = self.of(x)
        if rows is None or not isinstance(out, Tensor):
            return
        if isinstance(index, Tensor):
            if x.dim() == MATRIX and index.dim() == 1:
                self._keep(out, rows[index])
        elif _no_tensor_in(index) and out.dim() and out.shape[:-1] == x.shape[:-1]:
            self._keep(out, rows)

    def _cut(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
        """Pieces of all rows, or some rows each."""
        x, rows = args[0], self.of(args[0])
        if rows is None:
            return
        dim = kwargs.get("dim", args[2] if len(args) > MATRIX else 0) % x.dim()
        begin = 0
        for piece in out:
            if dim == x.dim() - 1:
                self._keep(piece, rows)
            elif x.dim() == MATRIX:
                self._keep(piece, rows[begin : begin + len(piece)])
                begin += len(piece)

    def _joined(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
        """Rows of several tensors below each other."""
        dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
        rows = [self.of(x) for x in args[0]]
        known = [each for each in rows if each is not None]
        if out.dim() == MATRIX and dim == 0 and len(known) == len(rows):
            self._keep(out, torch.cat(known))

    def _repeated(self, args: tuple[Any, ...], _: Mapping[str, Any], out: Any) -> None:
        """All rows several times over."""
        x = args[0]
        rows = self.of(x)
        if rows is not None and x.dim() == out.dim() == MATRIX and out.shape[1] == x.shape[1]:
            self._keep(out, rows.repeat(len(out) // max(len(x), 1)))


def _no_tensor_in(index: Any) -> bool:
    return not any(isinstance(each, Tensor | list) for each in _several(index))


def _several(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


_RULES: dict[str, Callable[[RowTokens, tuple[Any, ...], Mapping[str, Any], Any], None]] = {
    "getitem": RowTokens._indexed,  # noqa: SLF001 a table of its own methods
    "split": RowTokens._cut,  # noqa: SLF001
    "chunk": RowTokens._cut,  # noqa: SLF001
    "cat": RowTokens._joined,  # noqa: SLF001
    "repeat": RowTokens._repeated,  # noqa: SLF001
}
