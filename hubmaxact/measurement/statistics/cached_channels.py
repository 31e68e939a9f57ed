"""The largest |x| of each channel of each head that a cache holds, and of rotating pairs.

A position embedding that rotates channels in pairs moves what is in one of a pair to the other as
positions go on: the norm of the pair is as large as either can get at any position, which no single
channel shows on short texts.

B sequences, H heads, L tokens, D channels, P pairs.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from hubmaxact.measurement.rotary_pairs import Pairs
from hubmaxact.measurement.statistics.accumulator import State

ByHead = tuple[tuple[float, ...], ...]
"""Head -> a number for each channel or pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedResult:
    """What the channels of cached heads show; -1 where nothing was finite."""

    abs_max: ByHead  # (H, D)
    pairs: Pairs | None  # None: not known
    pair_max: ByHead | None  # (H, P): largest sqrt(a^2 + b^2) of a token; None with no pairs


class CachedChannels:
    """The largest finite |x| by head and channel, and the largest norm by head and pair.

    Squares of pairs are added up in float32; where they go beyond it, the norm is infinite. A value
    that is not finite counts as zero beside the other one of its pair.

    Args:
        pairs: The channels that rotate together; None: not known.
        device: Where the tensors are.
    """

    def __init__(self, pairs: Pairs | None = None, device: torch.device | str = "cpu") -> None:
        self.pairs = pairs
        self.abs_max = torch.empty((0, 0), device=device)
        self.pair_sq = torch.empty((0, 0), device=device)

    @torch.no_grad()
    def update(self, x_BHLD: Tensor, kept_BL: Tensor | None = None) -> None:
        """Fold in keys or values; a GPU is not waited for.

        Args:
            x_BHLD: As handed to the cache; H and D are the same in all of them.
            kept_BL: Which tokens count, bool; None: all.

        Raises:
            ValueError: Other tensors had other heads or channels.
        """
        self._expect(x_BHLD.shape[1], x_BHLD.shape[3])
        if not x_BHLD.numel():
            return
        abs_BHLD = x_BHLD.abs().nan_to_num_(nan=-1.0, posinf=-1.0)
        if kept_BL is not None:
            abs_BHLD.masked_fill_(~kept_BL[:, None, :, None], -1.0)
        self._raise_to(abs_BHLD.amax(dim=(0, 2)).float(), self._pair_sq(abs_BHLD))

    def _pair_sq(self, abs_BHLD: Tensor) -> Tensor:
        if self.pairs is None or not self.pairs.channels:
            return self.pair_sq
        first, second = self.pairs.of(abs_BHLD.float().clamp_(min=0.0).square_())
        return (first + second).amax(dim=(0, 2))

    def merge(self, other: Self) -> None:
        """Fold in another's maxima.

        Args:
            other: Of heads alike; it stays as it is.

        Raises:
            ValueError: It has seen other heads, channels or pairs.
        """
        if other.pairs != self.pairs:
            raise ValueError(f"expected {self.pairs}, got {other.pairs}")
        if len(other.abs_max):
            self._expect(*other.abs_max.shape)
            where = self.abs_max.device
            self._raise_to(other.abs_max.to(where), other.pair_sq.to(where))

    def _expect(self, num_heads: int, num_channels: int) -> None:
        shape = (num_heads, num_channels)
        if not len(self.abs_max):
            where = self.abs_max.device
            self.abs_max = torch.full(shape, -1.0, device=where)
            num_pairs = 0 if self.pairs is None else self.pairs.channels // 2
            self.pair_sq = torch.zeros((num_heads, num_pairs), device=where)
        elif self.abs_max.shape != shape:
            raise ValueError(f"expected (heads, channels) {tuple(self.abs_max.shape)}, got {shape}")

    def _raise_to(self, abs_max_HD: Tensor, pair_sq_HP: Tensor) -> None:
        self.abs_max = torch.maximum(self.abs_max, abs_max_HD)
        self.pair_sq = torch.maximum(self.pair_sq, pair_sq_HP)

    def state(self) -> State:
        """The maxima, those of pairs squared."""
        return {"abs_max": self.abs_max, "pair_sq": self.pair_sq}

    def load(self, state: State) -> None:
        """Go on from a state."""
        where = self.abs_max.device
        self.abs_max = state["abs_max"].to(where, copy=True)
        self.pair_sq = state["pair_sq"].to(where, copy=True)

    def result(self) -> CachedResult:
        """The maxima by head."""
        return CachedResult(
            abs_max=_by_head(self.abs_max), pairs=self.pairs, pair_max=self._pair_max()
        )

    def _pair_max(self) -> ByHead | None:
        if self.pairs is None or not self.pairs.channels:
            return None
        found = torch.maximum(*self.pairs.of(self.abs_max)) >= 0
        norm = self.pair_sq.cpu().double().sqrt()  # float64: as exact as the squares are
        return _by_head(torch.where(found.cpu(), norm, -1.0))


def _by_head(x_HD: Tensor) -> ByHead:
    return tuple(map(tuple, x_HD.tolist()))
