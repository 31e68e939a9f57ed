"""The largest values of a site, distinct in (token id, channel), with coordinates.

T rows kept, D channels. A total order, so that batches merge in any order.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.rows import Rows, Tokens
from hubmaxact.measurement.statistics.stretches import sample_of

NUM_TOP = 5


@dataclass(frozen=True, slots=True, order=True)
class Value:
    """A value with coordinates; sorts by |value| descending, then sample, position, channel.

    While it is collected, the number of its stretch stands in the place of its sample.
    """

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

    def merge(self, other: Self) -> None:
        """Fold in another selection."""
        self.offer(other.best)

    def state(self) -> State:
        """The values and their places: stretch, position, channel, token id."""
        places = [(v.sample, v.position, v.channel, v.token_id) for v in self.best]
        return {
            "values": torch.tensor([v.value for v in self.best], dtype=torch.float64),
            "places": torch.tensor(places, dtype=torch.int64).reshape(-1, 4),
        }

    def load(self, state: State) -> None:
        """Go on from a state."""
        rows = zip(state["values"].tolist(), state["places"].tolist(), strict=True)
        self.best = [value_at(value, *place) for value, place in rows]

    def result(self) -> tuple[Value, ...]:
        """The values, largest |x| first."""
        return tuple(replace(value, sample=sample_of(value.sample)) for value in self.best)

    @torch.no_grad()
    def update(self, rows: Rows) -> None:
        """Fold in one batch."""
        floor = self._floor(rows.row_max_T, rows.tokens)
        high = (rows.row_max_T >= floor).nonzero().flatten()
        row, channel = (rows.abs_TD[high] >= floor).nonzero(as_tuple=True)
        values, tokens = rows.x_TD[high[row], channel], rows.tokens.take(high[row])
        self.offer(_first_of_each_key(values, tokens, channel))

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
        keep = _leaders(magnitudes, columns)
        magnitudes, columns = magnitudes[keep], columns[keep]
    for value, (sample, position, where, token_id) in zip(
        magnitudes.tolist(), columns.tolist(), strict=True
    ):
        yield value_at(value + 0.0, sample, position, where, token_id)


def value_at(value: float, sample: int, position: int, channel: int, token_id: int) -> Value:
    """A value by its coordinates, with its place in the order."""
    return Value(-abs(value), sample, position, channel, value, token_id)


def _leaders(values: Tensor, columns: Tensor) -> Tensor:
    """Indices, in total order, of the first candidate of each of the leading keys."""
    order = values.sort(stable=True).indices
    for column in (2, 1, 0):  # stable sorts from the least to the most significant key
        order = order[columns[order, column].sort(stable=True).indices]
    order = order[values[order].abs().sort(descending=True, stable=True).indices]
    keys = columns[order, 3] * (1 << 32) + columns[order, 2]
    distinct, inverse = torch.unique(keys, return_inverse=True)
    first = torch.full_like(distinct, len(order))
    first.scatter_reduce_(0, inverse, torch.arange(len(order), device=order.device), "amin")
    return order[first.sort().values[:NUM_TOP]]
