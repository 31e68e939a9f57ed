"""A text as stretches of tokens: its first one, where attention sinks sit, then twice as many each.

Positions 0, 1, 2-3, 4-7 and so on; all that are far out share the last one. Numbers of stretches
ascend as (sample, position) does, so what is ordered by the one is ordered by the other: readers
take a stretch for a sample, and nothing in them knows that it is a part of one.
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Numbers = TypeVar("Numbers", int, npt.NDArray[np.int64])

OF_A_SAMPLE = 16
FIRST_POSITIONS = (0, *(1 << doubling for doubling in range(OF_A_SAMPLE - 1)))
"""Where each stretch of a sample begins."""


def num_stretches(num_samples: int) -> int:
    """How many stretches so many samples have."""
    return OF_A_SAMPLE * num_samples


def stretch_of(sample: Numbers, position: Numbers) -> Numbers:
    """Return the number of a token's stretch.

    Args:
        sample: Of the token, or of each of several.
        position: In the sample, special tokens counted.

    Returns:
        A multiple of OF_A_SAMPLE for the first token of a sample, the next number for the second
        one, and so on.
    """
    return OF_A_SAMPLE * sample + sum(position >= first for first in FIRST_POSITIONS[1:])


def sample_of(stretch: int) -> int:
    """Return the sample that a stretch is part of."""
    return stretch // OF_A_SAMPLE
