"""The model's largest |x| per sample, from which domains and stability follow.

Each stretch of its tokens is kept apart from the others: which positions hold it follows, too.
"""

from typing import Self

import torch

from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.rows import Rows
from hubmaxact.measurement.statistics.stretches import OF_A_SAMPLE


class SampleMaxima:
    """The largest |x| of each stretch over all sites that are folded in; -1 where none was finite.

    Args:
        num_stretches: Of all samples of the corpus.
    """

    def __init__(self, num_stretches: int) -> None:
        self.abs_max = torch.full((num_stretches,), -1.0, dtype=torch.float64)

    @torch.no_grad()
    def update(self, rows: Rows) -> None:
        """Fold in one site's rows."""
        stretch, row_max = rows.tokens.stretch.cpu(), rows.row_max_T.double().cpu()
        self.abs_max.scatter_reduce_(0, stretch, row_max, "amax")

    def merge(self, other: Self) -> None:
        """Fold in another's maxima."""
        self.abs_max = torch.maximum(self.abs_max, other.abs_max)

    def state(self) -> State:
        """The maxima."""
        return {"abs_max": self.abs_max}

    def load(self, state: State) -> None:
        """Go on from a state."""
        self.abs_max.copy_(state["abs_max"])

    def result(self) -> tuple[float, ...]:
        """The maxima by sample."""
        return tuple(self._by_stretch().amax(dim=1).tolist())

    def after_first_token(self) -> tuple[float, ...]:
        """The maxima by sample over all tokens but the first."""
        return tuple(self._by_stretch()[:, 1:].amax(dim=1).tolist())

    def by_stretch(self) -> list[tuple[float, ...]]:
        """The maxima by sample, for each stretch of `FIRST_POSITIONS`."""
        return [tuple(maxima_N.tolist()) for maxima_N in self._by_stretch().unbind(dim=1)]

    def _by_stretch(self) -> torch.Tensor:
        return self.abs_max.reshape(-1, OF_A_SAMPLE)
