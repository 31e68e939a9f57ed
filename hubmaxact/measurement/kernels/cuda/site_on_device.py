"""What one site keeps on the device, and how it comes into the site's statistics."""

from collections.abc import Iterator
from contextlib import contextmanager

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
from hubmaxact.measurement.statistics.bf16_histogram import pattern_values
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
        self.is_settled = True
        self._folded = torch.cuda.Event()
        self.arguments = Arguments(site=start, lists=start + 8 * SITE_WORDS)

    def launched(self, stream: torch.cuda.Stream) -> None:
        """The kernel was told to fold in a tensor, on this stream."""
        self.is_settled = False
        self._folded.record(stream)

    @contextmanager
    def settled(self, beside: torch.cuda.Stream) -> Iterator[None]:
        """Bring everything into the statistics; twice it counts once.

        Args:
            beside: Waits for the site's own tensors alone, while the device goes on with others.
        """
        stream = torch.cuda.current_stream(beside.device)
        beside.wait_event(self._folded)
        with torch.cuda.stream(beside):
            if not self.is_settled:
                self._settle(self.memory.cpu().numpy())
            yield
        stream.wait_stream(beside)

    def _settle(self, words: Words) -> None:
        floor, ratio, num_massive = words[:3]
        largest = float(ratio.view(np.float64)) if ratio else NO_RATIO
        self.statistics.massive.fold(int(num_massive), largest)
        self.statistics.top.offer(_values(words[SITE_WORDS:].reshape(-1, LIST_WORDS), floor))
        with torch.inference_mode():  # the memory was made in a pass
            self.memory[NUM_MASSIVE] = 0
        self.is_settled = True


def _values(lists: Words, floor: np.int64) -> list[Value]:
    """The best entries of all blocks, in order: the first of each (token id, channel)."""
    entries = lists[:, : 3 * NUM_TOP].reshape(-1, NUM_TOP, 3)
    number = lists[:, 3 * NUM_TOP :] & LOW_WORD
    rank, names, patterns = entries[(np.arange(NUM_TOP) < number) & (entries[:, :, 0] >= floor)].T
    found: dict[int, Value] = {}
    for place in np.lexsort((-patterns, names & LOW_WORD, -rank)).tolist():
        if len(found) == NUM_TOP:
            break
        if names[place] not in found:
            found[names[place]] = _value(*map(int, (rank[place], names[place], patterns[place])))
    return list(found.values())


def _value(rank: int, names: int, pattern: int) -> Value:
    """One entry: its rank, its channel and token id, its bits."""
    order = LAST_ORDER - (rank & LAST_ORDER)
    value = float(pattern_values()[pattern & 0xFFFF]) + 0.0
    return Value(
        neg_abs=-abs(value),
        sample=order >> 24,
        position=order & PLACE,
        channel=names & LOW_WORD,
        value=value,
        token_id=names >> 32,
    )
