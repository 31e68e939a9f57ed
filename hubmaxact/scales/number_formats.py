"""How far a scale reaches in each number format that activations are quantized to.

A multiplier s stands for x = q * s, so the largest |x| is s times the format's largest code. Facts:
OFP8 for E4M3, NVIDIA's two-level FP4, and what the tools' own code divides by.
"""

from dataclasses import dataclass

from hubmaxact.formats import LARGEST_FINITE


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFormat:
    """One way of quantizing an activation with a static scale.

    Attributes:
        name: As options take it.
        title: For people.
        largest: What a multiplier is multiplied with to give the largest |x|.
        rounds_up_to: Up to this many times the largest |x|, a value loses no more than others do
            by rounding.
        least_normal: Below this share of the largest |x|, precision is lost. None: a block has a
            scale of its own, and it depends on the block.
        uniform: Whether steps are equal, so that range which is not used is lost as bits.
        uncalibrated: The number that stands where nothing was calibrated.
        rounding: Relative error of numbers, where those who write them round more than they must.
    """

    name: str
    title: str
    largest: float
    rounds_up_to: float = 1.0
    least_normal: float | None = None
    uniform: bool = False
    uncalibrated: float | None = 1.0
    rounding: float = 0.0


E4M3_LARGEST = LARGEST_FINITE["float8_e4m3fn"]
E4M3_ROUNDS_UP_TO = 464.0 / E4M3_LARGEST  # half a step above the largest code
E2M1_LARGEST = 6.0

FP8 = NumberFormat(
    name="fp8",
    title="FP8 E4M3",
    largest=E4M3_LARGEST,
    rounds_up_to=E4M3_ROUNDS_UP_TO,
    least_normal=2.0**-6 / E4M3_LARGEST,
)
INT8_127 = NumberFormat(
    name="int8",
    title="INT8 (127)",
    largest=127.0,
    rounds_up_to=127.5 / 127.0,
    uniform=True,
)
INT8_127_5 = NumberFormat(name="int8", title="INT8 (127.5)", largest=127.5, uniform=True)
"""compressed-tensors spreads -A..A over 255 steps: half a step of +A is clipped, and no more."""

INT8_128 = NumberFormat(
    name="int8",
    title="INT8 (128)",
    largest=128.0,
    rounds_up_to=127.5 / 128.0,
    uniform=True,
)
INT4_8 = NumberFormat(
    name="int4",
    title="INT4 (8)",
    largest=8.0,
    rounds_up_to=7.5 / 8.0,
    uniform=True,
)
"""ONNX Runtime takes -A for the lowest code: a whole step of +A is clipped."""

NVFP4 = NumberFormat(
    name="nvfp4",
    title="NVFP4",
    largest=E4M3_LARGEST * E2M1_LARGEST,
    # The scale of a block is E4M3, and saturates as that does.
    rounds_up_to=E4M3_ROUNDS_UP_TO,
    # What Model-Optimizer writes for a maximum that it has not seen; compressed-tensors writes 1.0.
    uncalibrated=1.0 / E4M3_LARGEST,
)
NVFP4_DIVISOR = NumberFormat(
    name="nvfp4",
    title="NVFP4 (divisor)",
    largest=NVFP4.largest,
    rounds_up_to=E4M3_ROUNDS_UP_TO,
    rounding=2.0**-7,
)
"""compressed-tensors takes a reciprocal and a product in bf16, and stores that as float32."""

BOUND = NumberFormat(
    name="bound",
    title="bound of dynamic scales",
    largest=1.0,
    rounds_up_to=E4M3_ROUNDS_UP_TO,
    uncalibrated=None,
)
"""fbgemm's `input_scale_ub`: the largest |x| that a token's own scale may stand for."""
