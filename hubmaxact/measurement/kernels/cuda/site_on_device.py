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
from hubmaxact.measurement.kernels.cuda.formats_on_device import FormatsOnDevice
from hubmaxact.measurement.kernels.cuda.wide_on_device import WideOnDevice
from hubmaxact.measurement.statistics.massive_tokens import NO_RATIO
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.measurement.statistics.top_values import Value

HALF_WORD, MAGNITUDE = (1 << 32) - 1, (1 << 31) - 1
PLACE, LAST_ORDER = (1 << 24) - 1, (1 << 48) - 1

Words = npt.NDArray[np.int64]


class SiteOnDevice:
    """Counts and expert maxima go into the statistics' own tensors; the rest is kept here.

    Args:
        statistics: Of the site.
        num_blocks: Of a launch, at most.
        device: Where the tensors are.
    """

    def __init__(self, statistics: SiteStatistics, num_blocks: int, device: torch.device) -> None:
        self.statistics = statistics
        self._num_blocks = num_blocks
        self.memory = site_memory(num_blocks, device)
        is_wide = statistics.dtype != torch.bfloat16
        self.wide = WideOnDevice(num_blocks, device) if is_wide else None
        self.formats: FormatsOnDevice | None = None  # until a tensor is evaluated
        start = self.memory.data_ptr()
        self.is_settled = True
        self._folded = torch.cuda.Event()
        self.arguments = Arguments(site=start, lists=start + 8 * SITE_WORDS)

    def round_at(self, threshold: torch.Tensor | float) -> FormatsOnDevice:
        """Make room for what sums up errors of formats.

        Args:
            threshold: The largest |x| of the calibration split, zero for none.

        Returns:
            Made once, for the whole evaluation split.
        """
        assert self.statistics.formats is not None
        self.formats = FormatsOnDevice(self.statistics.formats, self._num_blocks, threshold)
        return self.formats

    def launched(self, stream: torch.cuda.Stream) -> None:
        """The kernel was told to fold in a tensor, on this stream."""
        self.is_settled = False
        self._folded.record(stream)

    @property
    def has_read(self) -> bool:
        """Whether the device is done with all tensors so far."""
        done: bool = self._folded.query()
        return done

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
        _, ratio, num_massive = words[:3]
        largest = float(ratio.view(np.float64)) if ratio else NO_RATIO
        if self.statistics.massive is not None:
            self.statistics.massive.fold(int(num_massive), largest)
        self.statistics.top.offer(_values(words[SITE_WORDS:].reshape(-1, LIST_WORDS)))
        if self.wide is not None:
            self.wide.settle(self.statistics)
        if self.formats is not None:
            self.formats.settle()
        with torch.inference_mode():  # the memory was made in a pass
            self.memory[NUM_MASSIVE : NUM_MASSIVE + 1].zero_()
        self.is_settled = True


def _values(lists: Words) -> list[Value]:
    """The best entries of all blocks, in order: the first of each (token id, channel)."""
    entries = lists[:, : 3 * NUM_TOP].reshape(-1, NUM_TOP, 3)
    number = lists[:, 3 * NUM_TOP :] & HALF_WORD
    # What a full list has last is at most what is last of all: few entries are left to be sorted.
    magnitudes = entries[:, :, 1] & MAGNITUDE
    last = magnitudes[:, -1:] * (number == NUM_TOP)
    found = (np.arange(NUM_TOP) < number) & (magnitudes >= last.max(initial=0))
    order, value, token = entries[found].T
    bits, channel, token = value & HALF_WORD, value >> 32, token & HALF_WORD
    best: dict[tuple[int, int], Value] = {}
    # Negative ones first: their bits are larger.
    for place in np.lexsort((-bits, channel, -order, -(bits & MAGNITUDE))).tolist():
        if len(best) == NUM_TOP:
            break
        name = int(token[place]), int(channel[place])
        if name not in best:
            best[name] = _value(int(order[place]), int(bits[place]), *name)
    return list(best.values())


def _value(order: int, bits: int, token_id: int, channel: int) -> Value:
    """One entry."""
    place = LAST_ORDER - order
    value = float(np.array(bits, np.uint32).view(np.float32)) + 0.0
    return Value(
        neg_abs=-abs(value),
        sample=place >> 24,
        position=place & PLACE,
        channel=channel,
        value=value,
        token_id=token_id,
    )
