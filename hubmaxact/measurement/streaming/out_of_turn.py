"""A decoder that uses weights of layers which do not run: it cannot be streamed."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.decoder_stack import Stack
from hubmaxact.measurement.anatomy.probe_pass import probe_ids
from hubmaxact.measurement.failures.memory import ran_out
from hubmaxact.measurement.streaming.layer_weights import LayerWeights
from hubmaxact.measurement.streaming.loop import Loop, Returns
from hubmaxact.measurement.streaming.refusal import refused


class OutOfTurn(TorchDispatchMode):
    """Raises where a function is given a weight that is not read."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._stack = stack
        self.has_found = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        if any(x.is_meta for x in module_traits.tensors_in((list(args), kwargs or {}, output))):
            name = func.name().partition(".")[0]
            why = f"it uses weights of a layer outside of that layer's turn, in {name}"
            self.has_found = True
            raise refused(self._stack.model, why)
        return output


def refuse_out_of_turn(stack: Stack, weights: LayerWeights) -> None:
    """Refuse a decoder that reads or changes weights of layers that do not run (RWKV).

    To be called before any other pass: such a change is made once.

    Args:
        stack: The decoder.
        weights: Of its layers.

    Raises:
        OptionsError: It does.
    """
    weights.drop_all()
    loop, guard = Loop(stack, [Returns()] * len(stack.layers)), OutOfTurn(stack)
    with torch.inference_mode(), guard:
        try:
            loop.note(probe_ids(stack), lambda x: x)
        except Exception as error:  # how its layers return is not known here
            if guard.has_found or ran_out(error):
                raise
