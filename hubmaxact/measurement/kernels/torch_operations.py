"""The portable way: torch's own operations, several reads of each tensor, on any device."""

from contextlib import AbstractContextManager, nullcontext

import torch

from hubmaxact.measurement.statistics.group_maxima import TorchMaxima
from hubmaxact.measurement.statistics.sample_maxima import SampleMaxima
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.measurement.statistics.watched import Watched

WITHOUT_FLOAT64 = ("mps",)  # statistics of tensors there are made on the CPU


class TorchOperations:
    """A reader that every other one must equal.

    Args:
        device: Where the tensors are.
        why: Why no faster way is taken, in words that follow "by torch operations".
    """

    def __init__(self, device: torch.device, why: str) -> None:
        self.device = torch.device("cpu") if device.type in WITHOUT_FLOAT64 else device
        self.maxima = TorchMaxima()
        self._why = why
        self.ways: frozenset[str] = frozenset()

    def fold(
        self, watched: Watched, statistics: SiteStatistics, samples: SampleMaxima | None
    ) -> None:
        """Fold in one tensor."""
        self.ways = frozenset({f"by torch operations, {self._why}"})
        if watched.x_RD.numel() == 0:
            return
        rows = watched.to(self.device).rows()
        if len(rows.x_TD) == 0:
            return
        statistics.update(rows)
        if samples is not None:
            samples.update(rows)

    def has_read(self, statistics: SiteStatistics) -> bool:  # noqa: ARG002 as every reader's
        """Nothing is read ahead."""
        return False

    def settled(self, statistics: SiteStatistics) -> AbstractContextManager[None]:  # noqa: ARG002 as every reader's
        """Nothing is kept back."""
        return nullcontext()

    def settle(self) -> None:
        """Nothing is kept back."""
