"""Which way tensors of a device are read."""

from collections.abc import Callable

import torch

from hubmaxact.measurement.kernels.reader import Reader
from hubmaxact.measurement.kernels.torch_operations import TorchOperations


def reader_of(device: torch.device, *, format_errors: bool = False) -> Reader:
    """The fastest reader that works here.

    The first one of a device is tried, which compiles or loads all that it needs; whoever does not
    want that within a forward pass asks for one before.

    Args:
        device: Where the tensors are.
        format_errors: Whether linear inputs sum up what formats lose.

    Returns:
        A new one, which has read nothing.
    """
    make = FASTEST.get(device.type)
    if make is None:
        return TorchOperations(device, f"because there is no kernel for {device.type}")
    return make(device, format_errors)


def _on_cuda(device: torch.device, format_errors: bool) -> Reader:
    from hubmaxact.measurement.kernels.cuda.trust import trusted

    reader, why_not = trusted(device, format_errors=format_errors)
    return reader or TorchOperations(device, f"because {why_not}")


def _on_cpu(device: torch.device, format_errors: bool) -> Reader:
    from hubmaxact.measurement.kernels.cpu.trust import trusted

    reader, why_not = trusted(format_errors=format_errors)
    return reader or TorchOperations(device, f"because {why_not}")


FASTEST: dict[str, Callable[[torch.device, bool], Reader]] = {"cpu": _on_cpu, "cuda": _on_cuda}
"""Device type -> how its reader is made."""
