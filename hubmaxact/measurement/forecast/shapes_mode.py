"""Tensors that are shapes alone: torch's FakeTensorMode, and what it refuses without need."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch._subclasses import FakeTensorMode  # transformers' own code asks for it by that name
from torch.utils._python_dispatch import TorchDispatchMode

LOG = logging.getLogger("torch._subclasses.fake_tensor")
GROUPED = "aten::_grouped_mm"


class _GroupedProducts(TorchDispatchMode):
    """Experts' products in any number format: a shape is no matter of the kernel's own format."""

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func.name().partition(".")[0] == GROUPED:
            rows, weights = args[:2]
            return rows.new_empty((*rows.shape[:-1], weights.shape[-1]))
        return func(*args, **(kwargs or {}))


class Shapes:
    """What is made inside its blocks has no values, and may be used in any of them."""

    def __init__(self) -> None:
        self._fake = FakeTensorMode()
        LOG.setLevel(logging.CRITICAL)  # it logs the traceback of whatever is raised as well

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A block of shapes alone."""
        with self._fake, _GroupedProducts():  # type: ignore[no-untyped-call]
            yield
