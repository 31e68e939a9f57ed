"""A text as two stretches of tokens: its first one, where attention sinks sit, and all others.

Numbers of stretches ascend as (sample, position) does, so what is ordered by the one is ordered by
the other: readers take a stretch for a sample, and nothing in them knows that it is half of one.
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Numbers = TypeVar("Numbers", int, npt.NDArray[np.int64])

OF_A_SAMPLE = 2


def num_stretches(num_samples: int) -> int:
    """How many stretches so many samples have."""
    return OF_A_SAMPLE * num_samples


def stretch_of(sample: Numbers, position: Numbers) -> Numbers:
    """Return the number of a token's stretch.

    Args:
        sample: Of the token, or of each of several.
        position: In the sample, special tokens counted.

    Returns:
        An even number for the first token of a sample, the next one for all others.
    """
    return OF_A_SAMPLE * sample + (position > 0)


def sample_of(stretch: int) -> int:
    """Return the sample that a stretch is part of."""
    return stretch // OF_A_SAMPLE
