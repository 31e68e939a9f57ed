"""Whether the kernel works on this GPU: it must equal torch's operations before it is used."""

from functools import cache
from importlib.util import find_spec

import torch

from hubmaxact.measurement.kernels.cuda.compiler import CudaError
from hubmaxact.measurement.kernels.cuda.kernel import FORMATS
from hubmaxact.measurement.kernels.cuda.one_read import OneRead
from hubmaxact.measurement.kernels.reader import Reader
from hubmaxact.measurement.kernels.trial import equals_torch

LOWEST = (8, 0)  # compute capability: earlier ones lack reductions over a warp


def trusted(device: torch.device, *, format_errors: bool = False) -> tuple[Reader | None, str]:
    """The kernel's reader, or why it is not used.

    Args:
        device: A GPU.
        format_errors: Whether it is to sum up what formats lose.

    Returns:
        The reader, or None and a reason that follows "because".
    """
    why_not = _why_not(device, format_errors=format_errors)
    return (None, why_not) if why_not else (OneRead(device), "")


@cache
def _why_not(device: torch.device, *, format_errors: bool) -> str:
    """Asked once of each GPU."""
    if torch.version.cuda is None:
        return "the kernel is for NVIDIA GPUs"
    if torch.cuda.get_device_capability(device) < LOWEST:
        return "the kernel needs compute capability 8.0"
    if find_spec("cuda") is None or find_spec("cuda.bindings") is None:
        return "the package cuda-bindings is not installed"
    try:
        alike = all(
            equals_torch(OneRead(device), dtype, format_errors=format_errors) for dtype in FORMATS
        )
    except (CudaError, RuntimeError) as error:
        return f"the kernel failed here: {str(error).splitlines()[0]}"
    return "" if alike else "the kernel's numbers differ here; please report this GPU"
