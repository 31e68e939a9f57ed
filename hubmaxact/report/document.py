"""The shape of `activation_maxima.json`, for the type checker; its meanings are the schema's."""

from typing import Literal, NotRequired, TypedDict

from hubmaxact.report.deployment import ExpertMaxima, KeysAndValues, LinearInput, Sidecar
from hubmaxact.report.derived import EndToEnd, Headroom, Quantization
from hubmaxact.report.model_block import Model
from hubmaxact.report.roles import PAPER, Profile
from hubmaxact.report.stability import Stability

SCHEMA_VERSION = "0.2"
"""The newest that is known here."""

FIRST_VERSION = "0.1"

REPORT_NAME = "activation_maxima.json"
MAX_REPORT_BYTES = 2 * 1024 * 1024
"""Of a report that is read, whoever wrote it; ours are held to half of that."""
MAX_WRITTEN_BYTES = MAX_REPORT_BYTES // 2
MOST_MEASURED_BYTES = MAX_WRITTEN_BYTES * 31 // 32
"""Of a report as it is measured; the rest is for what its owner adds."""

PROBE_5K = "probe-5k"
NAMED_CORPORA = {PROBE_5K: "synthetic", "paper": "natural"}
"""Corpora that go by their name, which no file can take, and the kind of their texts."""


class CorpusFacts(TypedDict):
    """Which texts were read."""

    name: str
    version: str | None
    kind: Literal["synthetic", "natural"] | None
    digest: str
    num_samples: int
    num_tokens: int
    domains: dict[str, int]


class SpecialTokens(TypedDict):
    """What was put around each text, found by encoding a probe string."""

    policy: Literal["as_tokenizer", "none"]
    bos_added: bool


class SimulatedActivations(TypedDict):
    """How many linear maps read what was rounded in one way during the pass."""

    format: str
    granularity: str
    policy: Literal["stored", "dynamic"]
    maps: int


class Protocol(TypedDict):
    """How it was measured; equal protocols are comparable."""

    profile: Profile
    corpus: CorpusFacts
    max_seq_len: int
    special_tokens: SpecialTokens
    chat_template: None
    dtype: str
    attn_implementation: str
    experts_implementation: str | None
    batch_tokens: int
    batch_plan_digest: str
    calibration_samples: int
    evaluation_samples: int
    counts_rounded_to: str | None
    format_errors: NotRequired[Literal["all", "per_tensor"]]
    simulated_activations: NotRequired[list[SimulatedActivations]]


class Environment(TypedDict):
    """Versions and device; equal environments give equal bits."""

    hubmaxact: str
    torch: str
    transformers: str
    python: str
    device_type: str
    device_name: str
    products: NotRequired[Literal["native", "float32"]]


class RoleCoverage(TypedDict):
    """How many sites of one role were expected, fired, or are absent by design."""

    expected: int
    fired: int
    absent: int


class MissingSite(TypedDict):
    """A site that should have been seen and was not."""

    role: str
    layer: int | None
    part: str | None
    module: str | None
    reason: str


class Coverage(TypedDict):
    """What was seen of what the structure promises."""

    embedding: RoleCoverage
    hidden_state: RoleCoverage
    attention_output: RoleCoverage
    mlp_output: RoleCoverage
    mlp_gate: RoleCoverage
    router_logits: RoleCoverage
    final_norm: RoleCoverage
    attention_update: NotRequired[RoleCoverage]
    mlp_update: NotRequired[RoleCoverage]
    mid_residual: NotRequired[RoleCoverage]
    linear_input: NotRequired[RoleCoverage]
    key: NotRequired[RoleCoverage]
    value: NotRequired[RoleCoverage]
    query: NotRequired[RoleCoverage]
    expert_input: NotRequired[RoleCoverage]
    expert_down_input: NotRequired[RoleCoverage]
    missing: list[MissingSite]


class Coordinates(TypedDict):
    """Where a value sits in the corpus and in the tensor."""

    sample: int
    token_position: int
    token_id: int
    channel: int


class TopValue(Coordinates):
    """One of a site's largest values."""

    value: float


class Carrier(Coordinates):
    """A (role, layer) whose abs_max equals M, with its first coordinates."""

    role: str
    layer: int | None
    part: str | None
    module: str
    num_ties: int


class GlobalMax(Coordinates):
    """M: the largest |a| over the roles of the paper."""

    value: float
    abs_max: float
    role: str
    layer: int | None
    part: str | None
    module: str
    batch: int
    bf16_step: float
    carriers: list[Carrier]


class RoleMax(TypedDict):
    """The largest value of one role."""

    value: float
    layer: int | None
    module: str


class Massive(TypedDict):
    """Sun et al.'s massive activations: |x| > 100 and over 1,000 times the token's median |x|."""

    num_tokens: int
    max_ratio: float | None


class SiteFacts(TypedDict):
    """Everything known of one watched tensor; extremes and moments are over finite values."""

    role: str
    layer: int | None
    part: str | None
    module: str
    count: int
    min: float | None
    max: float | None
    abs_max: float | None
    mean: float | None
    std: float | None
    rms: float | None
    abs_mean: float | None
    abs_quantiles: dict[str, float | None] | None
    zero_fraction: float | None
    num_nan: int
    num_inf: int
    massive: Massive
    top: list[TopValue]


class ExpertTokens(TypedDict):
    """Tokens an expert received: the least, the (lower) median and the most loaded one."""

    least: int
    median: int
    most: int


class ExpertMax(TypedDict):
    """The largest |a| inside the experts of a layer, and the first expert that reached it."""

    abs_max: float
    expert: int


class Experts(TypedDict):
    """Routing in one layer, under the model's own routing."""

    layer: int
    num_experts: int
    tokens: ExpertTokens
    never_routed: list[int]
    mlp_gate: ExpertMax | None
    input: NotRequired[ExpertMaxima | None]
    down_input: NotRequired[ExpertMaxima | None]


class Report(TypedDict):
    """The whole document, in the order it is written."""

    schema_version: str
    model: Model
    protocol: Protocol
    environment: Environment
    status: Literal["complete", "partial", "non_finite"]
    coverage: Coverage
    global_max: GlobalMax | None
    max_by_role: dict[str, RoleMax]
    sites: list[SiteFacts]
    linear_inputs: NotRequired[list[LinearInput]]
    kv: NotRequired[list[KeysAndValues]]
    sidecars: NotRequired[list[Sidecar]]
    experts: list[Experts]
    domains: dict[str, float | None]
    dtype_headroom: dict[str, Headroom]
    quantization: Quantization
    end_to_end: NotRequired[EndToEnd]
    stability: Stability


def oldest_version(model: Model, protocol: Protocol) -> str:
    """Return the oldest schema version that can say all of a report, which is the one written.

    Args:
        model: The report's block about the checkpoint.
        protocol: How it was measured.

    Returns:
        Such as "0.1".
    """
    optional = Model.__optional_keys__ | Protocol.__optional_keys__
    is_first = protocol["profile"] == PAPER and not optional & {*model, *protocol}
    return FIRST_VERSION if is_first else SCHEMA_VERSION
