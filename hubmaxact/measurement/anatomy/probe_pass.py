"""One short forward pass that shows what no declaration says.

Two sequences that differ in their last token only: what each module is given and puts out, which
module ends the stack, and whether a later token moves what is put out for an earlier one.
"""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.decoder_stack import Stack, input_device, run_owner
from hubmaxact.measurement.anatomy.token_layout import Layout, layout_of, rows_by_token
from hubmaxact.measurement.failures.own_error import own_errors_told

NUM_SEQUENCES, LENGTH = 2, 11  # neither is likely to equal a width
SUMS = 1e-3  # relative; long float32 sums that cancel, with room


@dataclass(slots=True)
class Probe:
    """What one forward pass showed, by dotted name; a shared module has several names."""

    outputs: dict[str, list[torch.Size | None]] = field(default_factory=dict)  # per element
    inputs: dict[str, torch.Size] = field(default_factory=dict)  # of the first tensor
    routed: dict[str, int] = field(default_factory=dict)  # experts chosen for each token
    calls: Counter[str] = field(default_factory=Counter)
    moved: dict[str, float] = field(default_factory=dict)  # by a later token, as share of a row
    reached: dict[str, float] = field(default_factory=dict)  # the same of the row that moved most
    rounding: dict[str, float] = field(default_factory=dict)  # what moves a row in its dtype alone
    called: list[str] = field(default_factory=list)  # in order of return
    read_by: dict[str, list[str]] = field(default_factory=dict)  # module -> maps given its output
    made: list[tuple[str, Tensor]] = field(default_factory=list)  # outputs in the layer that runs
    after_layers: list[tuple[str, Tensor]] = field(default_factory=list)  # outputs
    last: Tensor | None = None  # the last hidden state
    kept: dict[str, Tensor] = field(default_factory=dict)  # what layers and their parts put out
    has_values: bool = True  # else its tensors are shapes alone, and nothing is seen to move

    def layout(self, name: str, index: int = 0) -> Layout | None:
        """The layout of an element of a module's output; None when it has none."""
        shapes = self.outputs.get(name, [])
        shape = shapes[index] if index < len(shapes) else None
        return None if shape is None else layout_of(shape, NUM_SEQUENCES, LENGTH)


def run_probe(stack: Stack, *, has_values: bool = True, keep: bool = False) -> Probe:
    """Run the decoder once on a few token ids; no hook outlives the call.

    Args:
        stack: The decoder.
        has_values: Whether its weights are there, or shapes alone.
        keep: Whether copies of what layers and their parts put out are kept, for another pass.

    Returns:
        What it showed.
    """
    probe = Probe(has_values=has_values)
    depth = stack.layers_name.count(".") + 2
    with ExitStack() as hooks, torch.inference_mode():
        for name, module in stack.owner.named_modules(remove_duplicate=False):
            if name:
                full = f"{stack.owner_name}.{name}" if stack.owner_name else name
                hooks.callback(_watch(full, module, probe, stack.layers_name).remove)
                inside = full.startswith(f"{stack.layers_name}.") and full.count(".") <= depth
                if keep and has_values and inside:
                    hooks.callback(_keep(full, module, probe).remove)
        with own_errors_told(stack.model):
            result = run_owner(stack.owner, probe_ids(stack))
    probe.last = next(module_traits.tensors_in(result))
    return probe


def probe_ids(stack: Stack) -> Tensor:
    """Two sequences, equal but for their last token."""
    ids = torch.arange(LENGTH).repeat(NUM_SEQUENCES, 1)
    ids[1, -1] += 1
    return (ids % stack.embedding.weight.shape[0]).to(input_device(stack.embedding))


def _watch(
    name: str, module: nn.Module, probe: Probe, layers: str
) -> torch.utils.hooks.RemovableHandle:
    def on_call(
        _: nn.Module, args: tuple[object, ...], kwargs: dict[str, object], out: object
    ) -> None:
        found = module_traits.elements(out)
        probe.outputs[name] = [None if each is None else each.shape for each in found]
        given = next(module_traits.tensors_in((*args, kwargs)), None)
        if given is not None:
            probe.inputs[name] = given.shape
        if (chosen := _chosen(args, kwargs)) is not None:
            probe.routed[name] = chosen
        probe.calls[name] += 1
        probe.called.append(name)
        if probe.has_values and found and found[0] is not None:
            probe.moved[name], probe.reached[name] = _moved(found[0])
            probe.rounding[name] = _rounding(found[0])
        if name.startswith(f"{layers}."):
            probe.after_layers.clear()
            _connect(probe, name, module, given)
            if name.rpartition(".")[0] == layers:
                probe.made.clear()
            elif found and found[0] is not None:
                probe.made.append((name, found[0]))
        elif isinstance(out, Tensor):
            probe.after_layers.append(
                (name, out)
            )  # kept: a freed tensor's address would be another's

    return module.register_forward_hook(on_call, with_kwargs=True)


def _keep(name: str, module: nn.Module, probe: Probe) -> torch.utils.hooks.RemovableHandle:
    def on_call(_: nn.Module, __: object, out: object) -> None:
        first = next(iter(module_traits.elements(out)), None)
        if first is not None:
            probe.kept[name] = first.clone()  # the model may go on in the same memory

    return module.register_forward_hook(on_call)


def _chosen(*given: object) -> int | None:
    """The last dimension of the first integers given: of experts, how many a token chooses."""
    integers = (x for x in module_traits.tensors_in(given) if not x.is_floating_point())
    first = next(integers, None)
    return first.shape[-1] if first is not None and first.dim() else None


def _connect(probe: Probe, name: str, module: nn.Module, given: Tensor | None) -> None:
    """Note whose output a map is given as it is."""
    if given is None or not module_traits.is_map(module):
        return
    for maker, made in probe.made:
        if made.shape == given.shape and module_traits.begin_alike(made, given):
            probe.read_by.setdefault(maker, []).append(name)


def _moved(x: Tensor) -> tuple[float, float]:
    """How far the last token moved the rows before it, |difference| / |row|: median and most."""
    layout = layout_of(x.shape, NUM_SEQUENCES, LENGTH)
    if layout is None or not x.is_floating_point():
        return 0.0, 0.0
    rows = rows_by_token(x, layout, NUM_SEQUENCES, LENGTH).float()
    one, other = rows.reshape(NUM_SEQUENCES, LENGTH, -1)[:, :-1]
    share = (one - other).norm(dim=-1) / one.norm(dim=-1).clamp(min=torch.finfo(torch.float32).tiny)
    return float(share.median()), float(share.max())


def _rounding(x: Tensor) -> float:
    """What another order of summing may move a row by: two steps of its dtype, or its sums."""
    return max(2 * torch.finfo(x.dtype).eps, SUMS) if x.is_floating_point() else 0.0
