"""Which maps of a loaded model read what a server rounds, and by which number each is rounded."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from hubmaxact.deployed_formats import DeployedFormat
from hubmaxact.errors import CoverageError
from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.decoder_stack import find_stack
from hubmaxact.measurement.anatomy.map_weights import layer_weights
from hubmaxact.measurement.anatomy.weight_products import Weight
from hubmaxact.measurement.checkpoint.loaded_names import loaded_names
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.measurement.simulation.served import INSTEAD, Served, require_served, served
from hubmaxact.measurement.simulation.stored_scales import stored_scales
from hubmaxact.printable import printable
from hubmaxact.stored_weights.storage import RoundedInput, StoredWeight


@dataclass(frozen=True, slots=True)
class Rounding:
    """How rows are rounded: what `rounding.tensors.as_served` takes."""

    way: DeployedFormat
    stored: float | None


@dataclass(frozen=True, slots=True)
class RoundedMaps:
    """Stored weights that are one weight of the loaded model, whose input is rounded.

    Attributes:
        weights: That weight, under each name that it has in a layer.
        served: How its input is rounded.
        rounding: The same with the number.
        count: Stored weights: one, or as many as were merged.
    """

    weights: tuple[Weight, ...]
    served: Served
    rounding: Rounding
    count: int


def rounded_maps(files: WeightFiles, model: PreTrainedModel) -> list[RoundedMaps]:
    """Find them.

    Args:
        files: What `inspect` found sound; its serving can be simulated.
        model: As it was loaded from these files.

    Returns:
        In the order of the model's layers.

    Raises:
        CoverageError: Weights that run as one are served in several ways.
        IncompleteWeightsError: A stored scale is not there.
        UnsafeCheckpointError: One is no number that scales.
    """
    sources = _sources(files, model)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    weights = defaultdict[int, list[Weight]](list)
    for weight in _linear_weights(model):
        weights[id(weight.now)].append(weight)
    found = []
    for name, stored in sources.items():
        here = weights.get(id(parameters.get(name)))
        inputs = _common_inputs(files, name, stored)
        if here and inputs is not None:
            found.append((here, inputs, [each for each in stored if each is not None]))
    scales = stored_scales(files, [_scale_name(w) for _, i, s in found if i.stored for w in s])
    return [_rounded(*each, scales) for each in found]


def _sources(files: WeightFiles, model: PreTrainedModel) -> dict[str, list[StoredWeight | None]]:
    """Name of a weight in the model -> what it was made of; None: of one that is stored plainly."""
    stored = require_served(files.name, files.stored)
    by_name = {each.name: each for each in stored.weights}
    sources = defaultdict[str, list[StoredWeight | None]](list)
    for name, targets in loaded_names(model, (*by_name, *stored.plain)).items():
        for target in targets:
            sources[target].append(by_name.get(name))
    return sources


def _linear_weights(model: PreTrainedModel) -> Iterator[Weight]:
    """Those of layers, and of maps in the decoder that lie outside of them."""
    stack = find_stack(model)
    for index in range(len(stack.layers)):
        yield from layer_weights(model, f"{stack.layers_name}.{index}")
    for weight in layer_weights(model, stack.owner_name):
        inside = weight.name.startswith(f"{stack.layers_name}.")
        if module_traits.is_map(weight.owner) and not inside:
            yield weight


def _common_inputs(
    files: WeightFiles, name: str, stored: Sequence[StoredWeight | None]
) -> RoundedInput | None:
    """How all that were merged are served."""
    ways = {None if each is None else each.scheme.inputs for each in stored}
    if len(ways) > 1:
        raise CoverageError(
            f"{printable(name)} of {files.name} was merged of weights that are served in different "
            f"ways, and runs as one here. {INSTEAD}"
        )
    return ways.pop()


def _scale_name(weight: StoredWeight) -> str:
    """The tensor that holds the number."""
    assert weight.scheme.inputs is not None
    module = weight.name.removesuffix(f".{weight.scheme.storage.target}")
    return f"{module}.{weight.scheme.inputs.stored}"


def _rounded(
    weights: Sequence[Weight],
    inputs: RoundedInput,
    stored: Sequence[StoredWeight],
    scales: Mapping[str, float],
) -> RoundedMaps:
    how = served(inputs)
    assert how is not None, "require_served refused it"
    number = None
    if how.scale is not None:
        number = _number(how, [scales[_scale_name(each)] for each in stored])
    return RoundedMaps(tuple(weights), how, Rounding(how.way, number), len(stored))


def _number(how: Served, numbers: Sequence[float]) -> float:
    """Of several in one kernel the one that reaches furthest, as engines take it.

    A divisor reaches the further the smaller it is.
    """
    assert how.scale is not None
    number = min(numbers) if how.scale.divisor else max(numbers)
    is_wanted = how.scale.divisor == (how.way.format == "nvfp4")
    return number if is_wanted else torch.tensor(number).reciprocal().item()
