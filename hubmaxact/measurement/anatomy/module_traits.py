"""What a module says about itself: no names, only classes, signatures, attributes and shapes.

Knows PyTorch and the markers transformers puts on classes; decides nothing.
"""

import inspect
from collections.abc import Iterator

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

MIXER_ARGUMENTS = frozenset(
    {
        "attention_mask",
        "past_key_values",
        "past_key_value",
        "layer_past",
        "cache_params",
        "position_embeddings",
        "position_ids",
        "cache_position",
        "alibi",
        "state",
    }
)
"""Only a module that mixes tokens asks for one of these."""

ACTIVATION_MODULES = ("transformers.activations", "torch.nn.modules.activation")


def takes_mixer_arguments(module: nn.Module) -> bool:
    """Whether its forward asks for masks, caches or positions."""
    return not MIXER_ARGUMENTS.isdisjoint(inspect.signature(type(module).forward).parameters)


def is_activation(module: nn.Module) -> bool:
    """Whether it is an elementwise activation of transformers or torch."""
    if isinstance(module, nn.MultiheadAttention | nn.Softmax):
        return False
    return type(module).__module__ in ACTIVATION_MODULES


def is_routed_experts(module: nn.Module) -> bool:
    """Whether transformers' experts interface runs it (3-D weights, one row block per expert)."""
    return callable(getattr(module, "_apply_gate", None)) and hasattr(module, "has_gate")


def has_matrix(module: nn.Module) -> bool:
    """Whether it owns a parameter of two or more dimensions (norms and gains do not)."""
    return any(parameter.dim() >= 2 for parameter in module.parameters())


def adds_residual(module: nn.Module) -> bool:
    """Whether its forward asks for the residual stream, to add it to what it puts out (BLOOM)."""
    return "residual" in inspect.signature(type(module).forward).parameters


def linears(module: nn.Module) -> Iterator[tuple[int, int]]:
    """(in, out) features of every linear map inside, Conv1D of GPT-2 included."""
    for child in module.modules():
        if isinstance(child, nn.Linear):
            yield child.in_features, child.out_features
        elif isinstance(child, Conv1D):
            yield child.weight.shape[0], child.weight.shape[1]


def is_map(module: nn.Module) -> bool:
    """Whether it is a linear map itself."""
    return isinstance(module, nn.Linear | Conv1D)


def widens_and_returns(module: nn.Module, width: int) -> bool:
    """Whether it has a map from the residual width to a larger one and one back."""
    shapes = list(linears(module))
    widens = any(into == width and out > width for into, out in shapes)
    return widens and any(out == width and into != width for into, out in shapes)


def has_stacked_weights(module: nn.Module) -> bool:
    """Whether it holds 3-D expert weights (and is no convolution)."""
    if any(isinstance(child, nn.Conv1d) for child in module.modules()):
        return False
    # (1, 1, width) is a vector that is made to fit a batch: RWKV's mix of two tokens.
    return any(weight.dim() == 3 and weight.shape[1] > 1 for weight in module.parameters())


def is_stack(weight: torch.Tensor) -> bool:
    """Whether it holds several matrices."""
    return weight.dim() == 3 and weight.shape[1] > 1


def has_matrix_of_each(module: nn.Module, number: int | None) -> bool:
    """Whether it owns weights itself that are so many matrices (and is no convolution)."""
    own = module.parameters(recurse=False)
    whole = not isinstance(module, nn.Conv1d)
    return whole and any(is_stack(w) and w.shape[0] == number for w in own)


def begin_alike(x: torch.Tensor, y: torch.Tensor) -> bool:
    """Whether two tensors begin at the same place in memory; of such as have none, in name."""
    same = x.untyped_storage() is y.untyped_storage()
    return same and x.storage_offset() == y.storage_offset()


def same_bits(x: torch.Tensor, y: torch.Tensor) -> bool:
    """Whether two tensors are equal to the last bit, NaN and the sign of zero included."""
    if (x.dtype, x.shape, x.device) != (y.dtype, y.shape, y.device):
        return False
    bytes_of = (each.contiguous().flatten().view(torch.uint8) for each in (x, y))
    return torch.equal(*bytes_of)


def elements(output: object) -> list[torch.Tensor | None]:
    """The elements of a module's output in order, a tensor each; None where an element has none."""
    if isinstance(output, torch.Tensor):
        return [output]
    if isinstance(output, dict):
        output = tuple(output.values())
    if not isinstance(output, tuple | list):
        return []
    return [next(tensors_in(element), None) for element in output]


def tensors_in(output: object) -> Iterator[torch.Tensor]:
    """Every tensor in a module's output, tuples, lists and mappings opened, in order."""
    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, dict):
        for value in output.values():
            yield from tensors_in(value)
    elif isinstance(output, tuple | list):
        for value in output:
            yield from tensors_in(value)
