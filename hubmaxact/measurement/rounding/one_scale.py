"""Values rounded with one scale for all of them, at several thresholds at once.

NumPy and no torch: what is rounded are counted values, a few thousand at a time, for which torch's
threads take longer than the work does.

N values, K thresholds.
"""

import numpy as np
import numpy.typing as npt

from hubmaxact.measurement.rounding.elements import ELEMENTS
from hubmaxact.measurement.rounding.tensors import LARGEST_CODE

Float32s = npt.NDArray[np.float32]

EXPONENT = np.int32(0x7F800000)
MOST = np.finfo(np.float32).max


def rounded_at(x_N: Float32s, name: str, threshold_K: Float32s) -> Float32s:
    """Round magnitudes to a format and scale them back.

    Args:
        x_N: Not negative, finite, such as bf16 holds.
        name: Of the format.
        threshold_K: The |x| that map to the largest code, above zero.

    Returns:
        What `rounded` gives at each threshold, shape (K, N).
    """
    largest = np.float32(LARGEST_CODE[name])
    scale_K1 = threshold_K[:, None] / largest
    # A scale that is too small for float32 gives zeros.
    divisor_K1 = np.where(scale_K1 > 0, scale_K1, np.float32(1.0)).astype(np.float32)
    with np.errstate(over="ignore"):  # of the largest bf16 values some round to 2^128
        y_KN = np.divide(x_N, divisor_K1, dtype=np.float32)
        np.minimum(y_KN, largest, out=y_KN)
        _to_elements(y_KN, name)
        y_KN *= scale_K1
    return np.minimum(y_KN, MOST, out=y_KN)


def _to_elements(y_KN: Float32s, name: str) -> None:
    """Round to the format's own numbers, half to even.

    A float32 whose own step is the wanted one, added and taken away again, rounds to a multiple.
    """
    exponent, fraction = ELEMENTS[name]
    steps = y_KN.view(np.int32) & EXPONENT
    np.maximum(steps, np.int32((127 + exponent) << 23), out=steps)
    steps += np.int32(((23 - fraction) << 23) + (1 << 22))
    y_KN += steps.view(np.float32)
    y_KN -= steps.view(np.float32)
