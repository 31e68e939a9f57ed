"""Statistics that need to know which token a row is: largest values, massive tokens, sample maxima.

T rows kept, D channels; a row's token is named by (sample, position, token id). All of it is
order-free: extremes and totally ordered selections only.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

NUM_TOP = 5
MASSIVE_ABS = 100.0  # Sun et al. 2024, "Massive Activations in Large Language Models"
MASSIVE_RATIO = 1000.0


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens behind the rows of a tensor.

    Rows of `columns_4T`: sample, position, token id, and the index of the token id among the
    `num_groups` distinct ids of the batch.
    """

    columns_4T: Tensor
    num_groups: int

    @property
    def sample(self) -> Tensor:
        """Sample of each row, shape (T,)."""
        return self.columns_4T[0]

    @property
    def group(self) -> Tensor:
        """Index of each row's token id among the distinct ids, shape (T,)."""
        return self.columns_4T[3]

    def take(self, rows: Tensor) -> "Tokens":
        """The same for a selection or repetition of rows."""
        return Tokens(self.columns_4T[:, rows], self.num_groups)

    def to(self, device: torch.device) -> "Tokens":
        """The same on another device."""
        return Tokens(self.columns_4T.to(device), self.num_groups)


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


class Massive:
    """Sun et al.'s count: tokens with |x| > 100 and over 1,000 times the token's median |x|."""

    def __init__(self) -> None:
        self.num_tokens = 0
        self.max_ratio: float | None = None

    def merge(self, other: "Massive") -> None:
        """Fold in another count."""
        self._fold(other.num_tokens, other.max_ratio)

    @torch.no_grad()
    def update(self, abs_TD: Tensor, row_max_T: Tensor) -> None:
        """Fold in |x|. The median is the lower one; a zero median, or a row that holds a value
        that is not finite, gives no ratio.
        """
        median_T = abs_TD.median(dim=1).values.double()
        usable_T = (median_T > 0) & (abs_TD.amin(dim=1) >= 0)
        if not bool(usable_T.any()):
            return
        row_max_T = row_max_T.double()[usable_T]
        ratio_T = row_max_T / median_T[usable_T]
        massive = (row_max_T > MASSIVE_ABS) & (ratio_T > MASSIVE_RATIO)
        self._fold(int(massive.sum()), float(ratio_T.max()))

    def _fold(self, num_tokens: int, max_ratio: float | None) -> None:
        self.num_tokens += num_tokens
        if max_ratio is not None:
            self.max_ratio = max(max_ratio, self.max_ratio or 0.0)


class SampleMaxima:
    """The model's largest |x| per sample, over every role that M is taken over."""

    def __init__(self, num_samples: int) -> None:
        self.abs_max = torch.full((num_samples,), -1.0, dtype=torch.float64)

    @torch.no_grad()
    def update(self, row_max_T: Tensor, tokens: Tokens) -> None:
        """Fold in the row maxima of one site (-1 where nothing was finite)."""
        self.abs_max.scatter_reduce_(0, tokens.sample.cpu(), row_max_T.double().cpu(), "amax")

    def merge(self, other: "SampleMaxima") -> None:
        """Fold in another shard's maxima."""
        self.abs_max = torch.maximum(self.abs_max, other.abs_max)


def finite_magnitudes(x_TD: Tensor) -> tuple[Tensor, Tensor]:
    """(|x| with -1 in place of NaN and infinities, its row maxima)."""
    abs_TD = x_TD.abs()
    row_max_T = abs_TD.amax(dim=1)
    if not bool(row_max_T.isfinite().all()):
        abs_TD = torch.where(abs_TD.isfinite(), abs_TD, -1.0)
        row_max_T = abs_TD.amax(dim=1)
    return abs_TD, row_max_T
