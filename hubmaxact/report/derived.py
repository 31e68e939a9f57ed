"""The shape of what a report derives from its sites: headroom and quantization."""

from typing import NotRequired, TypedDict


class Where(TypedDict):
    """The site an excess was seen at; a null abs_max stands for infinity."""

    role: str
    layer: int | None
    module: str
    abs_max: float | None


class Excess(TypedDict):
    """A role that exceeds a format, and the tensor of it that went furthest."""

    role: str
    layers: list[int]
    layer: int | None
    module: str
    abs_max: float | None
    factor: float | None
    tokens: NotRequired[int | None]


class Headroom(TypedDict):
    """M against one number format; `exceeded` speaks of every watched tensor."""

    largest_finite: float
    ratio: float | None
    exceeded: bool
    where: Where | None
    exceeded_by: NotRequired[list[Excess]]
    residual_exponent: NotRequired[int | None]


class SiteRef(TypedDict):
    """A site named without its module."""

    role: str
    layer: int | None
    part: str | None


class FormatRow(TypedDict):
    """The error of one number format at one site, over the evaluation split."""

    site: SiteRef
    format: str
    granularity: str
    policy: str
    threshold: float | None
    convention: str
    sum_sq: float | None
    err_sq: float | None
    count: int
    sqnr_db: float | None
    rel_rmse: float | None
    rel_mae: float | None
    clip_rate: float | None
    label: str
    reason: str | None


class WorstTensor(TypedDict):
    """One of the tensors that a format rounds worst."""

    layer: int
    part: str | None
    module: str
    sqnr_db: float


class PooledRow(TypedDict):
    """The error of one way of rounding over all tensors of a kind, over the evaluation split."""

    kind: str
    format: str
    granularity: str
    policy: str
    convention: str
    num_tensors: int
    sum_sq: float | None
    err_sq: float | None
    count: int
    sqnr_db: float | None
    rel_rmse: float | None
    clip_rate: float | None
    underflow_rate: float | None
    worst: list[WorstTensor]
    label: str
    reason: str | None


class Quantization(TypedDict):
    """Every format row; in reports of profile deployment also what kernels and caches round."""

    formats: list[FormatRow]
    pooled: NotRequired[list[PooledRow]]


class Interval(TypedDict):
    """A mean and its bootstrap interval."""

    mean: float
    low: float
    high: float


class EndToEndRow(TypedDict):
    """What one way of rounding costs the model's own predictions, over the evaluation split."""

    target: str
    format: str
    granularity: str
    policy: str
    convention: str
    num_samples: int
    num_tokens: int
    loss: float | None
    loss_change: Interval | None
    kl_divergence: Interval | None
    top1_agreement: float | None
    reason: str | None


class EndToEnd(TypedDict):
    """Loss of the unrounded model and what rounding does to it."""

    loss: float | None
    num_samples: int
    num_tokens: int
    confidence: float
    resamples: int
    seed: int
    rows: list[EndToEndRow]
