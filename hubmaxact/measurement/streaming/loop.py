"""The decoder's own loop with no layer in it: embedding, masks, positions and norms are its own.

A layer that stands aside notes what it is given and hands the hidden state on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from torch import Tensor, nn

from hubmaxact.measurement.anatomy.decoder_stack import Stack, run_owner
from hubmaxact.measurement.streaming.calls import Call, note
from hubmaxact.measurement.streaming.refusal import refused

PLAIN = (type(None), bool, int, float, str)


class Beside:
    """Stands for what a layer returns beside the hidden state, before it was computed."""


class Returns(NamedTuple):
    """How a layer returns its hidden state: alone, or first among others."""

    kind: type[tuple[Any, ...]] | type[list[Any]] | None = None  # None: alone
    others: tuple[object, ...] = ()

    @classmethod
    def of(cls, output: object) -> "Returns | None":
        """Read it off; None where the first thing is no tensor."""
        if isinstance(output, Tensor):
            return cls()
        if type(output) in {tuple, list} and output and isinstance(output[0], Tensor):  # type: ignore[index]
            others = (each if isinstance(each, PLAIN) else Beside() for each in output[1:])  # type: ignore[index]
            return cls(type(output), tuple(others))  # type: ignore[arg-type]
        return None

    def around(self, hidden: Tensor) -> Any:
        """The same around a hidden state."""
        return hidden if self.kind is None else self.kind((hidden, *self.others))

    def hidden(self, output: Any) -> Tensor:
        """The hidden state of an output."""
        found: Tensor = output if self.kind is None else output[0]
        return found


class Noted(NamedTuple):
    """What the loop gave its layers, in the order of their calls."""

    calls: list[Call]
    hidden: Tensor  # that the first one was given


class Loop:
    """Runs what is around the layers.

    Args:
        stack: The decoder.
        returns: By layer.
    """

    def __init__(self, stack: Stack, returns: Sequence[Returns]) -> None:
        self.stack, self._returns = stack, returns

    def note(self, ids_BL: Tensor, keep: Callable[[Tensor], Tensor]) -> Noted:
        """Run all up to the layers, and note what each is given.

        What follows the layers runs too, on what they were given.

        Args:
            ids_BL: Token ids, padded.
            keep: Returns what is kept of each tensor beside the hidden state.

        Returns:
            The calls.

        Raises:
            OptionsError: The loop does more than hand the hidden state on.
        """
        calls: list[Call] = []
        first: Tensor | None = None
        last: Tensor | None = None

        def stand_in(layer: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            nonlocal first, last
            call, hidden = note(layer, args, kwargs, keep)
            if last is not None and hidden is not last:
                raise self._refused(f"layer {layer} is given what no layer put out")
            if any(isinstance(each, Beside) for each in _flat(call)):
                raise self._refused(
                    f"layer {layer} reads what another layer returns beside the hidden state"
                )
            first, last = hidden if first is None else first, hidden
            calls.append(call)
            return self._returns[layer].around(hidden)

        with self._aside(stand_in):
            run_owner(self.stack.owner, ids_BL)
        assert first is not None, "a decoder has layers"
        return Noted(calls, first)

    def finish(self, ids_BL: Tensor, last: int, hidden: Tensor) -> Any:
        """Run all behind the layers.

        Args:
            ids_BL: Token ids, padded.
            last: The layer that is called last.
            hidden: What it put out.

        Returns:
            What the decoder puts out.
        """

        def stand_in(layer: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            given = hidden if layer == last else note(layer, args, kwargs, lambda x: x)[1]
            return self._returns[layer].around(given)

        with self._aside(stand_in):
            return run_owner(self.stack.owner, ids_BL)

    @contextmanager
    def _aside(self, stand_in: Callable[..., Any]) -> Iterator[None]:
        """Every layer stands aside while the block runs, and none of its hooks is called."""
        kinds = [type(layer) for layer in self.stack.layers]
        for index, layer in enumerate(self.stack.layers):
            layer.__class__ = _standing_aside(type(layer), index, stand_in)
        try:
            yield
        finally:
            for layer, kind in zip(self.stack.layers, kinds, strict=True):
                layer.__class__ = kind

    def _refused(self, why: str) -> Exception:
        return refused(self.stack.model, why)


def _standing_aside(kind: type[nn.Module], layer: int, stand_in: Callable[..., Any]) -> Any:
    """The same class in all but what a call does."""

    def call(_: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return stand_in(layer, args, kwargs)

    return type(kind.__name__, (kind,), {"__call__": call, "__module__": kind.__module__})


def _flat(call: Call) -> Iterator[object]:
    def inside(given: object) -> Iterator[object]:
        if type(given) in {list, tuple}:
            for each in given:  # type: ignore[attr-defined]
                yield from inside(each)
        elif type(given) is dict:
            yield from inside(list(given.values()))
        else:
            yield given

    yield from inside([list(call.args), call.kwargs])
