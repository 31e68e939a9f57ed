"""What linear maps multiply, put in the place of what reaches them while hooks are attached.

Hooks that were attached earlier, such as those that measure, still see what reaches the maps.
"""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.decoder_stack import Stack, find_stack
from hubmaxact.measurement.anatomy.token_layout import ROUTED_ROWS
from hubmaxact.measurement.anatomy.weight_products import Replace, Weight, replace_factors

DOWN = "down_proj"
"""What transformers' experts call the matrices that read what their gating makes."""


def replace_inputs(
    hooks: ExitStack, model: PreTrainedModel, weights: Sequence[Weight], replace: Replace
) -> None:
    """Multiply some weights with something else: in each product, or inside fused experts.

    Args:
        hooks: Takes the hooks off again, before those that were attached earlier.
        model: The loaded checkpoint.
        weights: Of its decoder.
        replace: Is given a weight and what reaches it; returns what shall be multiplied.
    """
    stack = find_stack(model)
    scopes = defaultdict[str, list[Weight]](list)
    for weight in weights:
        if _is_fused(weight.owner):
            _inside_experts(hooks, weight, replace)
        else:
            scopes[_scope(stack, weight)].append(weight)
    for name, inside in scopes.items():
        replace_factors(hooks, model.get_submodule(name), inside, replace)


def _scope(stack: Stack, weight: Weight) -> str:
    """The layer that a weight lies in; the whole decoder for one outside of them."""
    inside = weight.name.removeprefix(f"{stack.layers_name}.")
    if inside == weight.name:
        return stack.owner_name
    return f"{stack.layers_name}.{inside.partition('.')[0]}"


def _is_fused(owner: Any) -> bool:
    """Whether they are experts whose products no function shows (see `expert_hooks`)."""
    if not module_traits.is_routed_experts(owner):
        return False
    return owner.config._experts_implementation in ROUTED_ROWS  # noqa: SLF001 no public reader on a module


def _inside_experts(hooks: ExitStack, weight: Weight, replace: Replace) -> None:
    """What reaches fused experts, which is what their first stack reads; or their second one."""
    experts: Any = weight.owner

    def on_input(
        _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if not args:
            name, x = next(iter(kwargs.items()))
            return args, {**kwargs, name: replace(weight, x)}
        return (replace(weight, args[0]), *args[1:]), kwargs

    def on_activation(_: nn.Module, __: object, output: Tensor) -> Tensor:
        return replace(weight, output)

    if weight.attribute != DOWN:
        hooks.callback(experts.register_forward_pre_hook(on_input, with_kwargs=True).remove)
    elif experts.has_gate:
        _after_gate(hooks, experts, lambda x: replace(weight, x))
    elif isinstance(experts.act_fn, nn.Module):  # else there is no place: it is never replaced
        hooks.callback(experts.act_fn.register_forward_hook(on_activation).remove)


def _after_gate(hooks: ExitStack, experts: Any, change: Any) -> None:
    """Change what the experts' own gating makes, around whoever watches it already."""
    before = vars(experts).get("_apply_gate")
    apply_gate = experts._apply_gate  # noqa: SLF001 transformers' own hook point for gated experts
    experts._apply_gate = lambda x: change(apply_gate(x))  # noqa: SLF001 on the instance
    if before is None:
        hooks.callback(delattr, experts, "_apply_gate")
    else:
        hooks.callback(setattr, experts, "_apply_gate", before)
