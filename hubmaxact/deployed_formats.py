"""The formats that activations are rounded to in deployment, and how: a table of facts.

Knows no tensors. Every number here is float32 arithmetic on values that are bf16 already; rounding
is to nearest, half to even. Where tools differ (the divisor of INT8, the rounding of MX scales, the
floor of NVFP4's block scales), a row's `convention` says which way is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MAX_ABS = "max_abs"
"""The scale follows from the largest |x| of the calibration split."""
CLIP = "clip_q0.999"
"""It follows from their 0.999 quantile (inverted CDF)."""
MEAN_SQUARE = "mse"
"""It follows from the largest |x| that gives the least squared error on the calibration split."""
UNSCALED = "unscaled"
"""The scale is 1, as engines cast caches that bring none."""
DYNAMIC = "dynamic"
"""Each token or block has a scale of its own, from its own largest |x|."""

STATIC = (MAX_ABS, CLIP, MEAN_SQUARE)

LINEAR_INPUT, KEY, VALUE = "linear_input", "key", "value"
CACHED = (KEY, VALUE)
KINDS = (LINEAR_INPUT, *CACHED)
"""Kinds of tensors that are rounded: roles of profile deployment."""

INT8_LARGEST = 127.0
E4M3_LARGEST = 448.0
E5M2_LARGEST = 57344.0
E2M1_LARGEST = 6.0
NVFP4_LARGEST = E4M3_LARGEST * E2M1_LARGEST

_INT8 = (
    "scale = {a} / 127, round(x / scale) clamped to [-127, 127], as kernels do; "
    "compressed-tensors divides by 127.5"
)
_FP8 = "scale = {a} / {largest}, x / scale clamped to +-{largest} (saturating)"
_NO_SCALE = "scale = 1, x clamped to +-{largest} (saturating)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedFormat:
    """One way of rounding a tensor.

    Attributes:
        format: Name of the number format, as reports have it.
        granularity: What shares one scale: "per_tensor", "per_token", or "block_N", which are N
            neighbouring channels of one token; a row's last block may be shorter.
        policy: What fixes the scale.
        kinds: Kinds of tensors that are rounded this way somewhere.
        convention: Scale, clamping and rounding, in words.
    """

    format: str
    granularity: str
    policy: str
    kinds: tuple[str, ...]
    convention: str

    @property
    def name(self) -> str:
        """A name that no other way has."""
        return f"{self.format}/{self.granularity}/{self.policy}"

    @property
    def is_counted(self) -> bool:
        """Whether counts of values give its errors afterwards; else tokens must be seen whole."""
        return self.granularity == "per_tensor"

    @property
    def block(self) -> int | None:
        """Channels that share a scale; None where more than a block does."""
        is_block = self.granularity.startswith("block_")
        return int(self.granularity.removeprefix("block_")) if is_block else None

    @property
    def has_threshold(self) -> bool:
        """Whether the calibration split gives it a threshold."""
        return self.policy in STATIC


def _per_tensor(name: str, words: str, largest: float) -> tuple[DeployedFormat, ...]:
    scaled = words.format(a="threshold", largest=f"{largest:g}")
    plain = _NO_SCALE.format(largest=f"{largest:g}")
    return (
        *(
            DeployedFormat(
                format=name,
                granularity="per_tensor",
                policy=policy,
                kinds=KINDS,
                convention=scaled,
            )
            for policy in STATIC
        ),
        DeployedFormat(
            format=name,
            granularity="per_tensor",
            policy=UNSCALED,
            kinds=CACHED,
            convention=plain,
        ),
    )


def _dynamic(name: str, granularity: str, convention: str) -> DeployedFormat:
    return DeployedFormat(
        format=name,
        granularity=granularity,
        policy=DYNAMIC,
        kinds=(LINEAR_INPUT,),
        convention=convention,
    )


_OF_TOKEN, _OF_BLOCK = "largest |x| of the token", "largest |x| of the block"

PER_TENSOR = (
    *_per_tensor("int8", _INT8, INT8_LARGEST),
    *_per_tensor("float8_e4m3fn", _FP8, E4M3_LARGEST),
    *_per_tensor("float8_e5m2", _FP8, E5M2_LARGEST),
)
"""What counts of values give: one scale for a tensor."""

INT8_TOKEN = _dynamic("int8", "per_token", _INT8.format(a=_OF_TOKEN))
E4M3_TOKEN = _dynamic("float8_e4m3fn", "per_token", _FP8.format(a=_OF_TOKEN, largest="448"))
E5M2_TOKEN = _dynamic("float8_e5m2", "per_token", _FP8.format(a=_OF_TOKEN, largest="57344"))
E4M3_BLOCK = _dynamic("float8_e4m3fn", "block_128", _FP8.format(a=_OF_BLOCK, largest="448"))
MXFP8 = _dynamic(
    "mxfp8",
    "block_32",
    "E4M3 elements, saturating; scale = 2^ceil(log2(largest |x| of the block / 448)) (RCEIL)",
)
MXFP4 = _dynamic(
    "mxfp4",
    "block_32",
    "E2M1 elements, saturating; scale = 2^(floor(log2 of the block's largest |x| rounded to one "
    "bit of fraction, half up) - 2) (EVEN)",
)
MXFP8_WIDE = _dynamic(
    "mxfp8",
    "block_128",
    "E4M3 elements, saturating; scale = 2^ceil(log2(largest |x| of the block / 448))",
)
NVFP4 = DeployedFormat(
    format="nvfp4",
    granularity="block_16",
    policy=MAX_ABS,
    kinds=(LINEAR_INPUT,),
    convention=(
        "E2M1 elements, saturating; the block's scale is E4M3 of its largest |x| / 6 * 2688 / "
        "threshold, saturating, without a floor: where it rounds to zero the block becomes zero"
    ),
)

IN_PASS = (INT8_TOKEN, E4M3_TOKEN, E5M2_TOKEN, E4M3_BLOCK, MXFP8, MXFP4, NVFP4)
"""What needs tokens whole, in the order in which passes sum up errors."""

DEPLOYED_FORMATS = (*PER_TENSOR, *IN_PASS)
"""Every way, in the order of reports."""

SERVED_FORMATS = (*DEPLOYED_FORMATS, MXFP8_WIDE)
"""The same, and what DeepSeek's releases with scales in E8M0 alone are served with."""

LABEL = "error of rounding this tensor alone, its values as bf16"
"""What a row of these may be used for."""


def formats_of(kind: str) -> tuple[DeployedFormat, ...]:
    """Return the ways that tensors of a kind are rounded, in the order of reports."""
    return tuple(each for each in DEPLOYED_FORMATS if kind in each.kinds)


def find_way(name: str, ways: Sequence[DeployedFormat]) -> DeployedFormat | None:
    """Find a way of rounding by the name that a user has for it.

    Args:
        name: FORMAT[/GRANULARITY][/POLICY].
        ways: Those that may be meant, in an order.

    Returns:
        The first that fits. None: none does.
    """
    number_format, *more = name.split("/")
    for way in ways:
        if way.format == number_format and set(more) <= {way.granularity, way.policy}:
            return way
    return None


LINEAR_INPUTS, KV, RESIDUAL = "linear_inputs", "kv", "residual"

TARGETS: dict[str, tuple[DeployedFormat, ...]] = {
    LINEAR_INPUTS: formats_of(LINEAR_INPUT),
    KV: formats_of(KEY),
    RESIDUAL: tuple(each for each in PER_TENSOR if each.has_threshold),
}
"""Where rounding is applied for good, and the ways it can be: what each linear map of a layer
reads, before the product; keys and values as the cache receives them, before attention reads them;
the residual stream after each layer, which no deployed kernel rounds and the paper's check does."""
