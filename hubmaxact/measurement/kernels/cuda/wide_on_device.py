"""What a site of fp16 or fp32 tensors keeps on the device beside its counts, until it is settled.

Numbers of each block and exact sums by exponent, for every split; INT-8 errors of the evaluation
split, for every threshold.
"""

import numpy as np
import numpy.typing as npt
import torch

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.kernels.cuda.arguments import NUM_POLICIES, NUMBERS_WORDS, Arguments
from hubmaxact.measurement.statistics.exact_sums import NUM_EXPONENTS, weighted
from hubmaxact.measurement.statistics.float_values import FloatValues
from hubmaxact.measurement.statistics.nan_and_inf import NanAndInf
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics

SUM_WORDS = 4 * NUM_EXPONENTS
ERROR_WORDS = SUM_WORDS + 1
SQUARE_BITS = 24  # of the lower half of a square
SIGN = 1 << 31
HALF_WORD = np.uint64((1 << 32) - 1)

Words = npt.NDArray[np.uint64]


class WideOnDevice:
    """Memory for what FloatValues and Int8Errors hold.

    Args:
        num_blocks: Of a launch, at most.
        device: Where the tensors are.
    """

    def __init__(self, num_blocks: int, device: torch.device) -> None:
        self._num_blocks = num_blocks
        self._split_words = NUMBERS_WORDS * num_blocks + SUM_WORDS
        self._errors_at = len(Split) * self._split_words
        words = self._errors_at + NUM_POLICIES * ERROR_WORDS
        self._memory = torch.zeros(words, dtype=torch.int64, device=device)

    def describe(self, arguments: Arguments, split: Split, statistics: SiteStatistics) -> None:
        """Say where a tensor's numbers, sums and errors go.

        Args:
            arguments: Of the launch, written.
            split: Of the tensor.
            statistics: Of the site; at the first tensor of the evaluation split its calibration
                split must be settled, for thresholds follow from it.
        """
        start = self._memory.data_ptr()
        arguments.numbers = start + 8 * self._split_words * list(Split).index(split)
        arguments.sums = arguments.numbers + 8 * NUMBERS_WORDS * self._num_blocks
        arguments.errors = start + 8 * self._errors_at
        errors = statistics.errors_of(split)
        arguments.num_thresholds = len(errors)
        for place, each in enumerate(errors):
            arguments.thresholds[place] = each.threshold

    def settle(self, statistics: SiteStatistics) -> None:
        """Bring everything into the statistics, and leave nothing here."""
        words = self._memory.cpu().numpy().view(np.uint64)
        num_finite = 0  # of the last split that has errors
        for place, split in enumerate(Split):
            here = words[place * self._split_words :][: self._split_words]
            numbers, sums = np.split(here, [NUMBERS_WORDS * self._num_blocks])
            values = statistics.values[split]
            assert isinstance(values, FloatValues)
            before = values.num_finite
            _fold_numbers(numbers.reshape(-1, NUMBERS_WORDS), values)
            values.sums.add(*_totals(sums))
            if split is Split.EVALUATION:
                num_finite = values.num_finite - before
        of_errors = words[self._errors_at :].reshape(-1, ERROR_WORDS)
        for errors, row in zip(statistics.int8.values(), of_errors, strict=False):
            abs_sum, _, squares = _totals(row[:SUM_WORDS])
            errors.add(abs_sum, squares, int(row[SUM_WORDS]), num_finite)
        with torch.inference_mode():  # the memory was made in a pass
            self._memory.zero_()


def _totals(words: Words) -> tuple[int, int, int]:
    """Sums of positive mantissas, of negative ones, and of squares, over all exponents."""
    plus, minus, high, low = words.reshape(4, NUM_EXPONENTS)
    squares = (weighted(high, 2) << SQUARE_BITS) + weighted(low, 2)
    return weighted(plus), weighted(minus), squares


def _fold_numbers(numbers: Words, values: FloatValues) -> None:
    """Fold in what blocks counted, and their extremes, shape (blocks, words)."""
    largest, ties, zeros, nan, inf, count = numbers[:, 1:].T
    values.add(
        count=int(count.sum()),
        not_finite=NanAndInf(int(nan.sum()), int(inf.sum())),
        num_zeros=int(zeros.sum()),
    )
    if not largest.any():
        return  # nothing finite
    high, not_low = numbers[:, 0] & HALF_WORD, numbers[:, 0] >> np.uint64(32)
    values.add(
        num_ties=int(ties[largest == largest.max()].sum()),
        extremes=(_of_ordered(int(HALF_WORD - not_low.max())), _of_ordered(int(high.max()))),
    )


def _of_ordered(key: int) -> float:
    """The value that an unsigned key orders; both zeros are one."""
    bits = key - SIGN if key >= SIGN else SIGN | (SIGN - 1 - key)
    return float(np.array(bits, np.uint32).view(np.float32)) + 0.0
