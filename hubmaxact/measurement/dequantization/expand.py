"""A weight as an unquantized release would hold it."""

from collections.abc import Mapping

import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.formulas import FORMULAS
from hubmaxact.measurement.dequantization.stored_parts import StoredParts
from hubmaxact.measurement.loops.cpu_threads import cpu_threads
from hubmaxact.stored_weights.storage import StoredWeight


@torch.no_grad()
def expand(
    weight: StoredWeight, parts: Mapping[str, Tensor], dtype: torch.dtype = torch.float32
) -> Tensor:
    """Compute a weight from what is stored of it.

    All arithmetic is in float32, operation by operation as in the package of the format; NaN stays
    NaN. The weight is worked on in pieces, and nothing as large as it is held beside it.

    Args:
        weight: What is stored, and how.
        parts: Its tensors by part.
        dtype: Of the result: float32, or what float32 is rounded to, once.

    Returns:
        The weight, contiguous. Of the shape that the headers have, but where a part says a smaller
        one: bitsandbytes of 4 bits, and integers in words, whose last one need not be full.

    Raises:
        DamagedWeightError: Parts contradict each other; its text is a phrase that follows the
            weight's name.
    """
    num_threads = torch.get_num_threads()
    with cpu_threads(1):  # torch's wait for work in a circle, and would hold up those of loops
        formula = FORMULAS[weight.scheme.storage.formula]
        return formula(StoredParts(weight, parts, dtype, num_threads))
