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
    """Errors come into the accumulator at once; room for what blocks add up is kept here.

    Args:
        errors: Of the site.
        num_blocks: Of a launch, at most.
        threshold: The largest |x| of the calibration split, zero for none; as one float32 on the
            device, it is not waited for before errors are settled.
    """

    def __init__(self, errors: FormatErrors, num_blocks: int, threshold: Tensor | float) -> None:
        self._errors, self._threshold, device = errors, threshold, errors.device
        self._there = (
            threshold
            if isinstance(threshold, Tensor)
            else torch.full((), threshold, dtype=torch.float32, device=device)
        )
        words = PARTIAL_WORDS * num_blocks
        self._memory = torch.zeros(words + 2, dtype=torch.int64, device=device)
        start = self._memory.data_ptr()
        self._arguments = FormatsArguments(
            partial=start,
            num_done=start + 8 * words,
            num_real=start + 8 * (words + 1),
            threshold=self._there.data_ptr(),
        )

    def fold(self, kernel: Kernel, watched: Watched, stream: int) -> None:
        """Launch the kernel over a tensor of the evaluation split; nothing is waited for.

        Args:
            kernel: For it.
            watched: The tensor.
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
        self._errors.add(err_sq, numbers)

    def settle(self) -> None:
        """Wait, and say at which threshold values were rounded, if there were any."""
        if int(self._memory[-1]):
            self._errors.fix(float(self._threshold))


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
