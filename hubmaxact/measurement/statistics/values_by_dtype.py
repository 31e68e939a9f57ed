"""The values of a site, by the tensors' own number format."""

from collections.abc import Iterable
from typing import Protocol, Self

import torch
from torch import Tensor

from hubmaxact.measurement.statistics.accumulator import Accumulator
from hubmaxact.measurement.statistics.bf16_histogram import Bf16Histogram
from hubmaxact.measurement.statistics.distribution import Bins, Distribution
from hubmaxact.measurement.statistics.float_values import FloatValues


class Values(Accumulator[Tensor, Distribution], Protocol):
    """What is asked of values in any format."""

    @property
    def counts(self) -> Tensor:
        """How often each bf16 pattern occurs, shape (65536,), on the tensors' device."""

    def bins(self) -> Bins:
        """Distinct finite values and how often each was seen; wider ones rounded to bf16."""

    def result_with(self, others: Iterable[Self]) -> Distribution:
        """The result of this one and of others, which stay as they are."""

    def abs_max(self) -> float | None:
        """The largest finite |x|; None when none was seen."""


def values_for(dtype: torch.dtype, device: torch.device | str = "cpu") -> Values:
    """The exact state for tensors of this dtype."""
    return Bf16Histogram(device) if dtype == torch.bfloat16 else FloatValues(device)
