"""How many rows of a site, each of one token, hold values beyond what small formats reach.

Counted is a row whose largest finite |x|, in the tensor's own format, lies above a format's largest
finite value. Rows that hold infinities are told elsewhere.
"""

from typing import Self

import torch
from torch import Tensor

from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.rows import Rows

LIMITS = torch.tensor([*LARGEST_FINITE.values()], dtype=torch.float32)


class RowsBeyond:
    """Numbers of rows beyond each format of `LARGEST_FINITE`, in its order.

    Args:
        device: Where the site's tensors are.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.counts = torch.zeros(len(LIMITS), dtype=torch.int64, device=device)
        self._limits = LIMITS.to(device)

    def update(self, rows: Rows) -> None:
        """Fold in rows."""
        self.add(rows.row_max_T)

    @torch.no_grad()
    def add(self, row_max_T: Tensor) -> None:
        """Fold in the largest finite |x| of each row, -1 for none, of any float dtype."""
        self.counts += (row_max_T.float()[:, None] > self._limits).sum(dim=0)

    def merge(self, other: Self) -> None:
        """Add another's counts."""
        self.counts += other.counts.to(self.counts.device)

    def state(self) -> State:
        """The counts."""
        return {"counts": self.counts}

    def load(self, state: State) -> None:
        """Go on from a state."""
        self.counts = state["counts"].to(self.counts.device, copy=True)

    def result(self) -> tuple[int, ...]:
        """The counts."""
        return tuple(self.counts.tolist())
