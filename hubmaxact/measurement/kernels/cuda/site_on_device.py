"""What one site keeps on the device, and how it comes into the site's statistics."""

import numpy as np
import numpy.typing as npt
import torch

from hubmaxact.measurement.kernels.cuda.arguments import (
    LIST_WORDS,
    NUM_MASSIVE,
    NUM_TOP,
    SITE_WORDS,
    Arguments,
    site_memory,
)
from hubmaxact.measurement.statistics.massive_tokens import NO_RATIO
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.measurement.statistics.top_values import Value

LOW_WORD, PLACE = (1 << 32) - 1, (1 << 24) - 1
LAST_ORDER = (1 << 48) - 1

Words = npt.NDArray[np.int64]


class SiteOnDevice:
    """Counts and expert maxima go into the statistics' own tensors; the rest is kept here.

    Args:
        statistics: Of the site.
        num_lists: Blocks of a launch, at most.
        device: Where the tensors are.
    """

    def __init__(self, statistics: SiteStatistics, num_lists: int, device: torch.device) -> None:
        self.statistics = statistics
        self.memory = site_memory(num_lists, device)
        start = self.memory.data_ptr()
        self.arguments = Arguments(site=start, lists=start + 8 * SITE_WORDS)

    def settle(self, words: Words) -> None:
        """Fold in what was copied from the device; said twice it counts once.

        Args:
            words: The memory's copy.
        """
        floor, ratio, num_massive = words[:3]
        largest = float(ratio.view(np.float64)) if ratio else NO_RATIO
        self.statistics.massive.fold(int(num_massive), largest)
        with torch.inference_mode():  # it was made in a pass
            self.memory[NUM_MASSIVE] = 0
        self.statistics.top.offer(_values(words[SITE_WORDS:].reshape(-1, LIST_WORDS), floor))


def _values(lists: Words, floor: np.int64) -> list[Value]:
    """The entries of all blocks that reach the floor."""
    entries = lists[:, : 3 * NUM_TOP].reshape(-1, NUM_TOP, 3)
    number = lists[:, 3 * NUM_TOP :] & LOW_WORD
    used = (np.arange(NUM_TOP) < number) & (entries[:, :, 0] >= floor)
    return [_value(*entry) for entry in entries[used].tolist()]


def _value(rank: int, names: int, pattern: int) -> Value:
    """One entry: its rank, its channel and token id, its bits."""
    order = LAST_ORDER - (rank & LAST_ORDER)
    bits = np.array([(pattern & 0xFFFF) << 16], dtype=np.uint32)
    value = float(bits.view(np.float32)[0]) + 0.0
    return Value(
        neg_abs=-abs(value),
        sample=order >> 24,
        position=order & PLACE,
        channel=names & LOW_WORD,
        value=value,
        token_id=names >> 32,
    )
