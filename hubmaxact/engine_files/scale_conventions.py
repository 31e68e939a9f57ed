"""How a largest |x| becomes the number that a file stores: whose names, which limit, which way.

A multiplier is A / limit and is multiplied with what was stored; a divisor is limit / A. Limits:
448 is the largest E4M3 value, 2688 = 6 * 448 that of NVFP4 with its block scale, 127.5 what
compressed-tensors spreads INT8 over, 128 what ONNX Runtime does.
"""

from typing import NamedTuple

from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.sidecars.safetensors_bytes import StoredTensor

E4M3 = LARGEST_FINITE["float8_e4m3fn"]
E2M1 = 6.0

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
    ("compressed-tensors", "fp8"): InputScale("input_scale", (1,), E4M3),
    ("compressed-tensors", "int8"): InputScale("input_scale", (1,), 127.5),
    ("compressed-tensors", "nvfp4"): InputScale(
        "input_global_scale", (1,), E2M1 * E4M3, is_divisor=True
    ),
    ("modelopt", "fp8"): InputScale("input_scale", (), E4M3),
    ("modelopt", "nvfp4"): InputScale("input_scale", (), E2M1 * E4M3),
    ("transformers", "fp8"): InputScale("activation_scale", (), E4M3),
}
"""Convention and number format -> what is stored; any other pair is refused."""

CACHE_LIMITS = {"int8": 128.0, "int4": 8.0, "fp8": E4M3}
"""What ONNX Runtime GenAI divides a cache's threshold by."""


def multiplier(abs_max: float, limit: float) -> float:
    """The scale that brings a largest |x| to a format's limit."""
    return _storable(abs_max / limit)


def _storable(scale: float) -> float:
    """The scale if float32 can hold it; a zero or an infinity would make NaN of every value."""
    return scale if LEAST_FLOAT32 <= scale <= LARGEST_FLOAT32 else UNUSED
