"""One short forward pass that shows what no declaration says.

Which module's output *is* the last hidden state (the final norm), how wide an activation's input
is, which tensors a module returns, and which activation functions run inside a block.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from hubmaxact.anatomy import evidence
from hubmaxact.anatomy.stack import Stack, input_device

NUM_SEQUENCES, LENGTH = 2, 11  # neither is likely to equal a width


@dataclass(slots=True)
class Probe:
    """Shapes seen in one forward pass, by dotted name."""

    outputs: dict[str, list[torch.Size]] = field(default_factory=dict)
    inputs: dict[str, torch.Size] = field(default_factory=dict)
    final_norm: str | None = None


def run_probe(stack: Stack) -> Probe:
    """Run the decoder once on a few token ids and note shapes; no hook outlives the call."""
    probe = Probe()
    pointers: dict[str, int] = {}
    vocabulary = stack.embedding.weight.shape[0]
    ids = torch.arange(NUM_SEQUENCES * LENGTH).reshape(NUM_SEQUENCES, LENGTH) % vocabulary
    with ExitStack() as hooks, torch.inference_mode():
        for name, module in stack.owner.named_modules():
            if name:
                full = f"{stack.owner_name}.{name}" if stack.owner_name else name
                hooks.enter_context(_watch(full, module, probe, pointers))
        result = stack.owner(input_ids=ids.to(input_device(stack.embedding)), use_cache=False)
    last = next(evidence.tensors_in(result))
    matches = [name for name, pointer in pointers.items() if pointer == last.data_ptr()]
    probe.final_norm = _norm_among(matches, probe, last)
    return probe


def _watch(name: str, module: nn.Module, probe: Probe, pointers: dict[str, int]) -> ExitStack:
    def on_call(
        _: nn.Module, args: tuple[object, ...], kwargs: dict[str, object], out: object
    ) -> None:
        tensors = list(evidence.tensors_in(out))
        probe.outputs[name] = [tensor.shape for tensor in tensors]
        first = next(evidence.tensors_in((*args, kwargs)), None)
        if first is not None:
            probe.inputs[name] = first.shape
        if isinstance(out, Tensor):
            pointers[name] = out.data_ptr()

    handle = module.register_forward_hook(on_call, with_kwargs=True)
    stack = ExitStack()
    stack.callback(handle.remove)
    return stack


def _norm_among(names: list[str], probe: Probe, last: Tensor) -> str | None:
    """The last module called whose bare tensor output is the last hidden state itself."""
    same = [name for name in names if probe.outputs[name] == [last.shape]]
    return same[-1] if same else None
