"""Which way tensors of a device are read."""

from collections.abc import Callable

import torch

from hubmaxact.measurement.kernels.reader import Reader
from hubmaxact.measurement.kernels.torch_operations import TorchOperations

MOST_STRETCHES = 1 << 24
"""A coordinate of the kernel for NVIDIA GPUs has so many values."""


def reader_of(
    device: torch.device, *, format_errors: bool = False, num_stretches: int = 0
) -> Reader:
    """The fastest reader that works here.

    The first one of a device is tried, which compiles or loads all that it needs; whoever does not
    want that within a forward pass asks for one before.

    Args:
        device: Where the tensors are.
        format_errors: Whether linear inputs sum up what formats lose.
        num_stretches: Stretches of all samples, which coordinates of largest values name.

    Returns:
        A new one, which has read nothing.
    """
    make = FASTEST.get(device.type)
    if make is None:
        return TorchOperations(device, f"because there is no kernel for {device.type}")
    if device.type == "cuda" and num_stretches >= MOST_STRETCHES:
        return TorchOperations(device, "because the kernel tells fewer than 2^20 texts apart")
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
