"""How a largest |x| becomes the number that a file stores, by the table of conventions.

A multiplier is A / limit and is multiplied with what was stored; a divisor is limit / A.
"""

from typing import NamedTuple

from hubmaxact.scales.caches import CACHES
from hubmaxact.scales.linear_inputs import INPUTS
from hubmaxact.scales.number_formats import FP8
from hubmaxact.scales.tensors import COMPRESSED_TENSORS, MODELOPT, ONNXRUNTIME, TRANSFORMERS
from hubmaxact.sidecars.safetensors_bytes import StoredTensor

E4M3 = FP8.largest

CONVENTIONS = (COMPRESSED_TENSORS, MODELOPT, TRANSFORMERS)
NUMBER_FORMATS = ("fp8", "int8", "nvfp4")
"""As options take them, the default first."""

UNUSED = 1.0
"""The scale of what was never anything but zero, as engines and quantizers write it too."""

LEAST_FLOAT32 = 2.0**-149
LARGEST_FLOAT32 = (2 - 2.0**-23) * 2.0**127


class InputScale(NamedTuple):
    """How one convention stores the static scale of a linear map's input."""

    name: str  # what follows the module's name and a dot
    shape: tuple[int, ...]
    limit: float
    is_divisor: bool = False

    def of(self, abs_max: float) -> StoredTensor:
        """The tensor for a largest |x|."""
        return StoredTensor((self.number(abs_max),), self.shape)

    def number(self, abs_max: float) -> float:
        """The number for a largest |x|."""
        if not self.is_divisor:
            return multiplier(abs_max, self.limit)
        return _storable(self.limit / abs_max) if abs_max else UNUSED


INPUT_SCALES = {
    (convention, row.number_format.name): InputScale(
        *row.written[convention], row.number_format.largest, row.divisor
    )
    for row in INPUTS
    for convention in row.written
}
"""Convention and number format -> what is stored; any other pair is refused."""

CACHE_LIMITS = {
    row.number_format.name: row.number_format.largest for row in CACHES if ONNXRUNTIME in row.files
}
"""What ONNX Runtime GenAI divides a cache's threshold by."""


def multiplier(abs_max: float, limit: float) -> float:
    """The scale that brings a largest |x| to a format's limit."""
    return _storable(abs_max / limit)


def _storable(scale: float) -> float:
    """The scale if float32 can hold it; a zero or an infinity would make NaN of every value."""
    return scale if LEAST_FLOAT32 <= scale <= LARGEST_FLOAT32 else UNUSED
