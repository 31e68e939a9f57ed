"""Which channels of a head a rotary position embedding turns together."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs of one attention.

    Pair p of `channels` / 2 is (p, p + channels / 2), or (2p, 2p + 1) of neighbours; channels
    behind them do not rotate. With 0 channels none does.
    """

    channels: int
    are_neighbours: bool = False

    def of(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Tell the channels of all pairs apart.

        Args:
            x: Of shape (..., channels of a head).

        Returns:
            The first and the second channel of each pair, shape (..., pairs) both.
        """
        if self.are_neighbours:
            return x[..., 0 : self.channels : 2], x[..., 1 : self.channels : 2]
        half = self.channels // 2
        return x[..., :half], x[..., half : self.channels]

    def channels_of(self) -> Iterator[tuple[int, int]]:
        """Yield the two channels of each pair, pair by pair."""
        half = self.channels // 2
        for pair in range(half):
            yield (2 * pair, 2 * pair + 1) if self.are_neighbours else (pair, pair + half)
