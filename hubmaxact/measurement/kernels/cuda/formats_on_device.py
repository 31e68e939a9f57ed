"""What the errors of formats at one site need on the device, beside what they add up to."""

import torch
from torch import Tensor

from hubmaxact.measurement.kernels.cuda.arguments import address
from hubmaxact.measurement.kernels.cuda.formats_kernel import (
    NUM_WAYS,
    PARTIAL_WORDS,
    FormatsArguments,
)
from hubmaxact.measurement.kernels.cuda.kernel import Kernel
from hubmaxact.measurement.statistics.format_errors import FormatErrors
from hubmaxact.measurement.statistics.watched import Watched

INFINITE = 0x7F80  # bf16 pattern


class FormatsOnDevice:
    """Room for what blocks of a launch add up.

    Args:
        num_blocks: Of a launch, at most.
        threshold: The largest |x| of the calibration split, float32 on the device; zero for none.
    """

    def __init__(self, num_blocks: int, threshold: Tensor) -> None:
        words, device = PARTIAL_WORDS * num_blocks + 1, threshold.device
        self._memory = torch.zeros(words, dtype=torch.int64, device=device)
        self._threshold = threshold
        start = self._memory.data_ptr()
        self._arguments = FormatsArguments(
            partial=start, num_done=start + 8 * (words - 1), threshold=threshold.data_ptr()
        )

    def fold(self, kernel: Kernel, watched: Watched, errors: FormatErrors, stream: int) -> None:
        """Launch the kernel over a tensor of the evaluation split.

        Args:
            kernel: For it.
            watched: The tensor.
            errors: Of the site; what is added to them is not waited for.
            stream: Of the device, the current one.
        """
        arguments, x_RD = self._arguments, watched.x_RD
        err_sq = torch.empty(NUM_WAYS, dtype=torch.float64, device=x_RD.device)
        numbers = torch.empty((2, NUM_WAYS), dtype=torch.int64, device=x_RD.device)
        arguments.x = x_RD.data_ptr()
        arguments.row_stride, arguments.value_stride = x_RD.stride()
        arguments.num_rows = x_RD.shape[0]
        arguments.token, arguments.kept = address(watched.token_R), address(watched.kept_P)
        arguments.err_sq, arguments.numbers = err_sq.data_ptr(), numbers.data_ptr()
        kernel.launch(arguments, stream)
        errors.add(err_sq, numbers)


def largest_counted(counts: Tensor) -> Tensor:
    """The largest finite |x| of a histogram, without waiting for the device.

    Args:
        counts: By bf16 pattern.

    Returns:
        One float32 on their device; zero where there is none above it.
    """
    by_magnitude = counts.view(2, -1)[:, :INFINITE].sum(dim=0)
    patterns = torch.arange(INFINITE, dtype=torch.int32, device=counts.device)
    largest = torch.where(by_magnitude > 0, patterns, 0).amax()
    return (largest << 16).view(torch.float32)
