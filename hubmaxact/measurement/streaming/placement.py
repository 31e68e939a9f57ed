"""Which stored tensors a layer is loaded from, which stay in memory, and which never run.

Knows names alone; reads no weight.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy.decoder_stack import Stack
from hubmaxact.measurement.checkpoint.loaded_names import loaded_names


@dataclass(frozen=True, slots=True)
class Placement:
    """Where stored tensors go, by the names of an unquantized release.

    Attributes:
        layers: Of each layer, the tensors that it alone is loaded from, and what each becomes.
        idle: Those of what no pass of the layers reaches: heads, towers of images and sound.
    """

    layers: tuple[dict[str, tuple[str, ...]], ...]
    idle: frozenset[str]

    @property
    def left_out(self) -> frozenset[str]:
        """What is not read when the model is built."""
        return self.idle.union(*self.layers)


def place(stack: Stack, names: Iterable[str]) -> Placement:
    """Find the place of every stored tensor.

    What several layers share, what is tied to anything and what spans layers stays in memory.

    Args:
        stack: Of a model that was built, with or without weights.
        names: Of all tensors that it is loaded from.

    Returns:
        The places.
    """
    model, staying = stack.model, _shared(stack.model)
    layers: tuple[dict[str, tuple[str, ...]], ...] = tuple({} for _ in stack.layers)
    idle = set()
    for name, targets in loaded_names(model, names).items():
        where = {_layer_of(target, stack) for target in targets}
        if not targets or not staying.isdisjoint(targets):
            continue
        if len(where) == 1 and (layer := where.pop()) is not None:
            layers[layer][name] = targets
        elif not any(_runs(target, stack) for target in targets):
            idle.add(name)
    return Placement(layers, frozenset(idle))


def _layer_of(target: str, stack: Stack) -> int | None:
    inside = target.removeprefix(f"{stack.layers_name}.")
    return None if inside == target else int(inside.partition(".")[0])


def _runs(target: str, stack: Stack) -> bool:
    """Whether it lies in what runs the layers, or in the embedding."""
    within = (stack.owner_name, stack.embedding_name)
    return any(not name or target.startswith(f"{name}.") for name in within)


def _shared(model: PreTrainedModel) -> set[str]:
    """Weights of several names: tied by transformers' table, or the same object."""
    tied = getattr(model, "all_tied_weights_keys", {})
    return {*tied.keys(), *tied.values(), *_same_objects(model)}


def _same_objects(model: PreTrainedModel) -> Iterator[str]:
    named = list(model.named_parameters(remove_duplicate=False))
    times = Counter(id(weight) for _, weight in named)
    yield from (name for name, weight in named if times[id(weight)] > 1)
