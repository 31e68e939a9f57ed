"""The largest values of a site, distinct in (token id, channel), with coordinates.

T rows kept, D channels. A total order, so that batches merge in any order.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from hubmaxact.measurement.statistics.tokens import Tokens

NUM_TOP = 5


@dataclass(frozen=True, slots=True, order=True)
class Value:
    """A value with coordinates; sorts by |value| descending, then sample, position, channel."""

    neg_abs: float
    sample: int
    position: int
    channel: int
    value: float
    token_id: int

    @property
    def key(self) -> tuple[int, int]:
        """Values of one token id in one channel are one phenomenon."""
        return self.token_id, self.channel


class TopValues:
    """The largest values, distinct in (token id, channel)."""

    def __init__(self) -> None:
        self.best: list[Value] = []

    def offer(self, values: Iterable[Value]) -> None:
        """Keep the first value of each key, and the first NUM_TOP of those."""
        first: dict[tuple[int, int], Value] = {}
        for value in sorted([*self.best, *values]):
            first.setdefault(value.key, value)
        self.best = list(first.values())[:NUM_TOP]

    def merge(self, other: "TopValues") -> None:
        """Fold in another selection."""
        self.offer(other.best)

    @torch.no_grad()
    def update(self, x_TD: Tensor, abs_TD: Tensor, row_max_T: Tensor, tokens: Tokens) -> None:
        """Fold in a tensor; `abs_TD` is |x| with -1 for values that are not finite."""
        floor = self._floor(row_max_T, tokens)
        rows = (row_max_T >= floor).nonzero().flatten()
        row, channel = (abs_TD[rows] >= floor).nonzero(as_tuple=True)
        self.offer(_first_of_each_key(x_TD[rows[row], channel], tokens.take(rows[row]), channel))

    def _floor(self, row_max_T: Tensor, tokens: Tokens) -> float:
        """A value that the NUM_TOP-th best is sure to reach: the best rows of distinct tokens."""
        floor = 0.0
        if tokens.num_groups >= NUM_TOP:
            group_max = torch.full((tokens.num_groups,), -1.0, device=row_max_T.device)
            group_max.scatter_reduce_(0, tokens.group, row_max_T.float(), "amax")
            floor = max(floor, float(group_max.topk(NUM_TOP).values[-1]))
        if len(self.best) == NUM_TOP:
            floor = max(floor, -self.best[-1].neg_abs)
        return floor


def _first_of_each_key(values: Tensor, tokens: Tokens, channel: Tensor) -> Iterable[Value]:
    """The candidates as plain numbers; many equal ones are thinned before they leave the device."""
    sample_T, position_T, token_id_T, _ = tokens.columns_4T
    columns = torch.stack([sample_T, position_T, channel, token_id_T], dim=1)
    magnitudes = values.double()
    if len(values) > 4096:
        keep = _leaders(magnitudes.abs(), columns)
        magnitudes, columns = magnitudes[keep], columns[keep]
    for value, (sample, position, where, token_id) in zip(
        magnitudes.tolist(), columns.tolist(), strict=True
    ):
        yield Value(-abs(value), sample, position, where, value + 0.0, token_id)


def _leaders(magnitudes: Tensor, columns: Tensor) -> Tensor:
    """Indices, in total order, of the first candidate of each of the leading keys."""
    order = torch.arange(len(magnitudes), device=magnitudes.device)
    for column in (2, 1, 0):  # stable sorts from the least to the most significant key
        order = order[columns[order, column].sort(stable=True).indices]
    order = order[magnitudes[order].sort(descending=True, stable=True).indices]
    keys = columns[order, 3] * (1 << 32) + columns[order, 2]
    distinct, inverse = torch.unique(keys, return_inverse=True)
    first = torch.full_like(distinct, len(order))
    first.scatter_reduce_(0, inverse, torch.arange(len(order), device=order.device), "amin")
    return order[first.sort().values[:NUM_TOP]]
