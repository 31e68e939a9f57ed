"""A checkpoint run as it is served: the weights expanded, what its quantized maps read rounded.

What is rounded is what is multiplied; the tensor itself stays as the model made it, for all who
read or watch it. Rounded values are handed on in the run's own number format.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from hubmaxact.deployed_formats import SERVED_FORMATS
from hubmaxact.errors import CoverageError
from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.decoder_stack import find_stack
from hubmaxact.measurement.anatomy.probe_pass import probe_ids
from hubmaxact.measurement.anatomy.weight_products import Weight
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.measurement.execution.replaced_inputs import replace_inputs
from hubmaxact.measurement.failures.own_error import own_errors_told
from hubmaxact.measurement.rounding.rounder import Rounder
from hubmaxact.measurement.rounding.tensors import as_served
from hubmaxact.measurement.simulation.rounded_maps import RoundedMaps, Rounding, rounded_maps
from hubmaxact.measurement.simulation.served import INSTEAD
from hubmaxact.report.document import SimulatedActivations


class Simulation:
    """What is rounded in a model, and how.

    Args:
        model: The loaded checkpoint.
        maps: Of its decoder.
    """

    def __init__(self, model: PreTrainedModel, maps: Sequence[RoundedMaps]) -> None:
        self._model, self._maps = model, maps
        self._weights = [weight for each in maps for weight in each.weights]
        self._roundings = {weight.name: each.rounding for each in maps for weight in each.weights}

    @contextmanager
    def applied(self) -> Iterator[set[str]]:
        """While the block runs, the maps read what is rounded.

        Yields:
            Names of weights whose input was rounded, as they come by.
        """
        rounder = Rounder[Rounding](lambda how, rows: as_served(rows, how.way, how.stored))

        def replace(weight: Weight, x: Tensor) -> Tensor:
            return rounder(self._roundings[weight.name], weight.name, x)

        with ExitStack() as hooks:
            replace_inputs(hooks, self._model, self._weights, replace)
            yield rounder.done
        rounder.forget()

    @property
    def rows(self) -> list[SimulatedActivations]:
        """The report's, in the order of the table of formats."""
        maps = Counter[tuple[int, str]]()
        for each in self._maps:
            maps[SERVED_FORMATS.index(each.served.way), each.served.policy] += each.count
        return [
            SimulatedActivations(
                format=SERVED_FORMATS[index].format,
                granularity=SERVED_FORMATS[index].granularity,
                policy="stored" if policy == "stored" else "dynamic",
                maps=number,
            )
            for (index, policy), number in sorted(maps.items())
        ]

    def try_out(self) -> None:
        """Run a few tokens, so that no long pass leaves a map unrounded.

        Raises:
            CoverageError: Names a map that was called, or experts, whose input was not rounded.
            ForwardPassError: The model's own forward pass raised.
        """
        stack, called = find_stack(self._model), set[nn.Module]()
        with ExitStack() as hooks, torch.inference_mode(), own_errors_told(self._model):
            for weight in self._weights:
                hook = weight.owner.register_forward_pre_hook(lambda module, _: called.add(module))
                hooks.callback(hook.remove)
            done = hooks.enter_context(self.applied())
            stack.owner(input_ids=probe_ids(stack), use_cache=False)
        for weight in self._weights:
            is_idle = module_traits.is_map(weight.owner) and weight.owner not in called
            if weight.name not in done and not is_idle:
                raise CoverageError(
                    f"what {weight.name} reads cannot be rounded: no product with it was seen. "
                    f"{INSTEAD}"
                )


def simulation_of(files: WeightFiles, model: PreTrainedModel) -> Simulation:
    """Find what of a checkpoint is rounded as served.

    Args:
        files: What `inspect` found sound.
        model: As it was loaded from these files.

    Returns:
        What a few tokens have shown to work.

    Raises:
        OptionsError: Nothing is rounded, or in a way that is not simulated here.
        CoverageError: Something that a server rounds cannot be rounded here.
        IncompleteWeightsError: A stored scale is not there.
        UnsafeCheckpointError: One is no number that scales.
        ForwardPassError: The model's own forward pass raised.
    """
    simulation = Simulation(model, rounded_maps(files, model))
    simulation.try_out()
    return simulation
