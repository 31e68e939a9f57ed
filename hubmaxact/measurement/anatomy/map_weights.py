"""The weights that linear maps of a layer multiply by, under the names that a report gives them."""

from collections.abc import Iterator

from torch import nn
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.declared import num_experts_of
from hubmaxact.measurement.anatomy.weight_products import Weight

MATRIX = 2  # dimensions
PLAIN = "weight"  # what a map calls its matrix, and then the map's name says enough


def layer_weights(model: PreTrainedModel, layer: str) -> Iterator[Weight]:
    """Every matrix of a linear map in a layer, and every stack of matrices of experts.

    Those that may be such a stack are among them.

    Args:
        model: Whose layer it is.
        layer: Its dotted name, or that of a module around several; "" is the model.

    Yields:
        The weights in module order.
    """
    num_experts = num_experts_of(model.config.get_text_config(decoder=True))
    for relative, module in model.get_submodule(layer).named_modules():
        name = ".".join(filter(None, (layer, relative)))
        if module_traits.is_map(module):
            yield Weight(name, module, PLAIN)
        elif module_traits.is_routed_experts(module) or module_traits.has_matrix_of_each(
            module, num_experts
        ):
            yield from _stacks(name, module)
        else:
            yield from _joined(name, module)


def _stacks(name: str, module: nn.Module) -> Iterator[Weight]:
    for attribute, weight in module.named_parameters(recurse=False):
        if module_traits.is_stack(weight):
            yield Weight(name if attribute == PLAIN else f"{name}.{attribute}", module, attribute)


def _joined(name: str, module: nn.Module) -> Iterator[Weight]:
    """Matrices that no map owns; only those that are taken apart into several are experts'."""
    for attribute, weight in module.named_parameters(recurse=False):
        if weight.dim() == MATRIX:
            yield Weight(f"{name}.{attribute}", module, attribute, is_joined=True)


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
    own = module._parameters.get(attribute)  # noqa: SLF001 a lookup that never raises
    if own is not None:
        return Weight(name, module, attribute, is_joined=own.dim() == MATRIX)
    return Weight(name, model.get_submodule(name), PLAIN)


def num_experts(model: PreTrainedModel, num_matrices: int) -> int:
    """How many experts compute with a stack of matrices.

    Args:
        model: Whose it is.
        num_matrices: In a stack; LongCat has some more of them, which nothing multiplies by.

    Returns:
        What the configuration says, where the stack is large enough for it.
    """
    said = num_experts_of(model.config.get_text_config(decoder=True))
    return num_matrices if said is None else min(said, num_matrices)
