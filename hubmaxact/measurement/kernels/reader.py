"""What every way of reading tensors promises."""

from contextlib import AbstractContextManager
from typing import Protocol

import torch

from hubmaxact.measurement.statistics.group_maxima import GroupMaxima
from hubmaxact.measurement.statistics.sample_maxima import SampleMaxima
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.measurement.statistics.watched import Watched


class Reader(Protocol):
    """Folds watched tensors of one device into the statistics of their sites.

    Whichever reads them, in whatever order, the statistics' `state` is the same to the last bit.
    """

    device: torch.device
    """Where the statistics of what it reads are kept."""

    @property
    def maxima(self) -> GroupMaxima:
        """How maxima of heads and of what experts are given are found."""

    @property
    def ways(self) -> frozenset[str]:
        """How tensors were read so far, each way in words that follow "Statistics were made"."""

    def fold(
        self, watched: Watched, statistics: SiteStatistics, samples: SampleMaxima | None
    ) -> None:
        """Fold in one tensor; what it adds may stay on the device until it is settled.

        Args:
            watched: The tensor and whose its rows are.
            statistics: Of its site.
            samples: The model's maxima by sample; None where the site's role does not count.
        """

    def has_read(self, statistics: SiteStatistics) -> bool:
        """Whether a site can be settled without waiting, while the device works on other tensors.

        Args:
            statistics: Of a site.

        Returns:
            Never true of a reader that does not work ahead.
        """

    def settled(self, statistics: SiteStatistics) -> AbstractContextManager[None]:
        """While it lasts, the statistics of a site hold all that was read for them.

        Args:
            statistics: Of a site. Its own tensors are waited for, the rest of the work is not.

        Returns:
            A context to read them in.
        """

    def settle(self) -> None:
        """Bring all that is still on the device into statistics and maxima by sample."""
