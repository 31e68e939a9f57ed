"""A context that is open while one module's forward runs, and at no other time."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from torch import Tensor, nn

from hubmaxact.measurement.anatomy import module_traits


def open_during_calls(
    hooks: ExitStack,
    module: nn.Module,
    context: Callable[[Tensor | None], AbstractContextManager[object]],
    *,
    outermost: bool = False,
) -> None:
    """Enter a context of its own around each call of a module.

    Args:
        hooks: Takes the hooks off again.
        module: Whose calls are meant.
        context: Makes the context, from the first tensor that the call is given.
        outermost: Whether it is entered before the contexts of those who came earlier.
    """
    running: list[ExitStack] = []

    def before(_: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        running.append(ExitStack())
        first = next(module_traits.tensors_in((*args, kwargs)), None)
        running[-1].enter_context(context(first))

    def after(_: nn.Module, __: object, ___: object) -> None:
        if running:  # another's hook may have raised before ours was reached
            running.pop().close()

    hooks.callback(
        module.register_forward_pre_hook(before, with_kwargs=True, prepend=outermost).remove
    )
    # Called even when the forward raises, so that no mode is left behind.
    hooks.callback(module.register_forward_hook(after, always_call=True).remove)
