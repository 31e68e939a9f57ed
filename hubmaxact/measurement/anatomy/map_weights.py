"""The weights that linear maps of a layer multiply by, under the names that a report gives them."""

from collections.abc import Iterator

from torch import Tensor, nn
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.declared import num_experts_of
from hubmaxact.measurement.anatomy.weight_products import Weight

PLAIN = "weight"  # what a map calls its matrix, and then the map's name says enough


def layer_weights(model: PreTrainedModel, layer: str) -> Iterator[Weight]:
    """Every matrix of a linear map in a layer, and every stack of matrices of experts.

    Args:
        model: Whose layer it is.
        layer: Its dotted name.

    Yields:
        The weights in module order.
    """
    num_experts = num_experts_of(model.config.get_text_config(decoder=True))
    for relative, module in model.get_submodule(layer).named_modules():
        name = f"{layer}.{relative}" if relative else layer
        if module_traits.is_map(module):
            yield Weight(name, module, PLAIN)
        elif module_traits.is_routed_experts(module) or module_traits.has_matrix_of_each(
            module, num_experts
        ):
            yield from _stacks(name, module)


def _stacks(name: str, module: nn.Module) -> Iterator[Weight]:
    for attribute, weight in module.named_parameters(recurse=False):
        if module_traits.is_stack(weight):
            yield Weight(name if attribute == PLAIN else f"{name}.{attribute}", module, attribute)


def weight_named(model: PreTrainedModel, name: str) -> Weight:
    """The weight of this name.

    Args:
        model: Whose it is.
        name: As `layer_weights` gave it.

    Returns:
        It.
    """
    owner, _, attribute = name.rpartition(".")
    module = model.get_submodule(owner)
    if attribute in module._parameters:  # noqa: SLF001 a lookup that never raises
        return Weight(name, module, attribute)
    return Weight(name, model.get_submodule(name), PLAIN)


def num_experts(model: PreTrainedModel, stack: Tensor) -> int:
    """How many experts compute with a stack of matrices.

    Args:
        model: Whose it is.
        stack: Shape (matrices, ...); LongCat has some more of them, which nothing multiplies by.

    Returns:
        What the configuration says, where the stack is large enough for it.
    """
    said = num_experts_of(model.config.get_text_config(decoder=True))
    return len(stack) if said is None else min(said, len(stack))
