"""What one thread finds of the channels and blocks of a linear input."""

import numpy as np
import torch

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.kernels.cpu.block_rows import raise_channels
from hubmaxact.measurement.kernels.cpu.counts import Counts
from hubmaxact.measurement.kernels.cpu.strided import Strided
from hubmaxact.measurement.loops.compiled import Array
from hubmaxact.measurement.statistics.block_maxima import NUM_MAGNITUDES, SIZES
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics


class LinearInputRows:
    """Counts are kept from tensor to tensor, and all is empty where a site is something else."""

    def __init__(self) -> None:
        self._counts = Counts(len(SIZES), 1 + NUM_MAGNITUDES)

    def begin(self, x: Strided, statistics: SiteStatistics, split: Split) -> None:
        """Make room for rows of this width."""
        width = 0 if statistics.blocks is None else x.width
        self._shift = np.int32(16 if x.values.dtype == np.uint16 else 0)
        self._levels = np.empty(width, np.uint16)
        self._channels = np.zeros(width, x.values.dtype)
        width = 0 if statistics.squares_of(split) is None else x.width
        self._squares = np.zeros((2, width), np.int64)
        self._room = np.empty(width, np.int32), np.empty(width, np.float32)

    @property
    def blocks(self) -> tuple[Array, Array, Array]:
        """As loops take them: levels by channel; counts by size and level; room for a row."""
        return self._channels, self._counts.array, self._levels

    @property
    def squares(self) -> tuple[Array, tuple[Array, Array]]:
        """As loops take them: sums by channel; room for a row."""
        return self._squares, self._room

    def spill(self) -> None:
        """Make room for more counts."""
        self._counts.spill()

    def give(self, statistics: SiteStatistics, split: Split) -> None:
        """Hand over what was found."""
        if statistics.blocks is None or statistics.channels is None:
            return
        statistics.channels.expect(len(self._channels))
        raise_channels(self._channels, self._shift, statistics.channels.abs_max.numpy())
        self._counts.array[:, 0] = 0
        self._counts.give(statistics.blocks.counts.numpy(), 1)
        squares = statistics.squares_of(split)
        if squares is not None:
            squares.add_rounded(torch.from_numpy(self._squares))
