"""Whether the kernel works on this GPU: it must equal torch's operations before it is used."""

from functools import cache
from importlib.util import find_spec
from itertools import product

import torch

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.kernels.cuda.compiler import CudaError
from hubmaxact.measurement.kernels.cuda.kernel import FORMATS
from hubmaxact.measurement.kernels.cuda.one_read import OneRead
from hubmaxact.measurement.kernels.reader import Reader
from hubmaxact.measurement.kernels.torch_operations import TorchOperations
from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.rows import Tokens
from hubmaxact.measurement.statistics.sample_maxima import SampleMaxima
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.measurement.statistics.watched import Watched

LOWEST = (8, 0)  # compute capability: earlier ones lack reductions over a warp


def trusted(device: torch.device) -> tuple[Reader | None, str]:
    """The kernel's reader, or why it is not used.

    Args:
        device: A GPU.

    Returns:
        The reader, or None and a reason that follows "because".
    """
    why_not = _why_not(device)
    return (None, why_not) if why_not else (OneRead(device), "")


@cache
def _why_not(device: torch.device) -> str:
    """Asked once of each GPU."""
    if torch.version.cuda is None:
        return "the kernel is for NVIDIA GPUs"
    if torch.cuda.get_device_capability(device) < LOWEST:
        return "the kernel needs compute capability 8.0"
    if find_spec("cuda") is None or find_spec("cuda.bindings") is None:
        return "the package cuda-bindings is not installed"
    try:
        alike = all(
            _same(_state(OneRead(device), *kind), _state(TorchOperations(device, ""), *kind))
            for kind in product(FORMATS, (False, True))
        )
    except (CudaError, RuntimeError) as error:
        return f"the kernel failed here: {str(error).splitlines()[0]}"
    return "" if alike else "the kernel's numbers differ here; please report this GPU"


def _state(reader: Reader, dtype: torch.dtype, is_linear_input: bool) -> State:
    """What a reader makes of a small tensor with ties, a massive row, NaN and infinities."""
    num_rows, width = 96, 264
    device = reader.device
    place = torch.arange(num_rows, device=device)
    x_RD = (place[:, None] * 37 + torch.arange(width, device=device) * 101) % 97 - 48
    x_RD = (x_RD / 3).to(dtype)
    x_RD[5, 7], x_RD[11, 3], x_RD[17, 200] = 6e4, float("nan"), float("-inf")
    columns_4P = torch.stack([place % 8, place, place % 5, place % 5])
    kept_P = place % 7 != 0
    statistics = SiteStatistics(dtype, device, is_linear_input=is_linear_input)
    samples = SampleMaxima(8)
    tokens = Tokens(columns_4P, 5)
    for split in Split:
        watched = Watched(x_RD, tokens, split, kept_P, kept_P.nonzero().flatten())
        reader.fold(watched, statistics, samples)
    reader.settle()
    return statistics.state() | {"samples": samples.abs_max}


def _same(one: State, other: State) -> bool:
    """Whether two states are equal, bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)
