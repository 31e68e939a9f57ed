"""The shape of what a report of profile `deployment` holds beside its sites.

What linear maps and experts read, keys and values as cached, and the files that lie beside it.
"""

from typing import Literal, TypedDict

SidecarName = Literal[
    "channels.safetensors", "blocks.safetensors", "experts.safetensors", "quantization.parquet"
]
CHANNELS: SidecarName = "channels.safetensors"
BLOCKS: SidecarName = "blocks.safetensors"
EXPERTS: SidecarName = "experts.safetensors"
QUANTIZATION: SidecarName = "quantization.parquet"
SIDECARS = (CHANNELS, BLOCKS, EXPERTS, QUANTIZATION)
"""Names of all files that may lie beside a report, in the report's order."""

MAX_SIDECAR_BYTES = 1024 * 1024 * 1024
"""Of one of them: more than any model's, also of 384 experts in each of 60 layers.

Readers ask for no more than the report says.
"""


class LinearInput(TypedDict):
    """One tensor that linear maps read; coordinates are of its largest |x|."""

    layer: int
    part: str | None
    modules: list[str]
    count: int
    abs_max: float | None
    rms: float | None
    abs_quantiles: dict[str, float | None] | None
    block_max_quantiles: dict[str, dict[str, float | None]] | None
    num_nan: int
    num_inf: int
    sample: int | None
    token_position: int | None
    token_id: int | None
    channel: int | None


class HeadMaxima(TypedDict):
    """The largest |x| of cached keys or values, over all heads and of each."""

    abs_max: float | None
    per_head: list[float | None] | None
    num_nan: int
    num_inf: int


class QueryMaximum(TypedDict):
    """The largest |x| of one attention's queries."""

    abs_max: float | None
    num_nan: int
    num_inf: int


class RotaryPairs(TypedDict):
    """Which channels of a cached key a position embedding turns together."""

    pairs: Literal["halves", "neighbours", "none"]
    channels: int


class AttentionLogit(TypedDict):
    """How large the products of queries and keys get, scaled; null where not all were finite."""

    value: float | None
    kind: Literal["exact", "bound"]


class KeysAndValues(TypedDict):
    """What one attention hands to its cache."""

    layer: int
    part: str | None
    module: str
    kind: Literal["heads", "latent"]
    num_kv_heads: int
    key: HeadMaxima
    value: HeadMaxima
    query: QueryMaximum | None
    rotary: RotaryPairs | None
    attention_logit: AttentionLogit | None


class ExpertMaxima(TypedDict):
    """The largest |x| that experts read, over all of them and of each."""

    abs_max: float | None
    expert: int | None
    per_expert: list[float | None] | None


class Sidecar(TypedDict):
    """A file beside the report."""

    name: SidecarName
    size: int
    sha256: str
