"""What a comparison holds: frozen, plain, in the order in which its JSON is written.

Every tuple called `cells` or `values` has one element for each report, in the order of
`reports`; null where a report has no such value. Objects taken over whole (a peak, a role's
maximum, a headroom row, a quantization row) have the fields that the report's schema gives them.
Values are activations in the tensor's own units, ratios are dimensionless, `_db` is decibels.
"""

from dataclasses import dataclass

from hubmaxact.report.comparability import ProtocolRow
from hubmaxact.report.derived import EndToEndRow, FormatRow, Headroom, PooledRow
from hubmaxact.report.document import GlobalMax, RoleMax
from hubmaxact.report.stability import MaximaByText, Subsets

COMPARISON_VERSION = "0.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One of the reports, and its M."""

    column: str  # A, B, C, ...: how the tables name it
    label: str  # tells it apart from the other reports
    file: str | None  # null when the report came from memory
    id: str | None
    commit: str | None
    family: str | None
    model_type: str
    architecture: str
    stage: str | None
    num_layers: int
    hidden_size: int
    num_parameters: int
    status: str
    num_missing: int  # expected tensors that were never seen
    num_non_finite: int  # watched tensors that held NaN or infinity
    global_max: GlobalMax | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRow:
    """The largest value of one role."""

    role: str
    in_global_max: bool  # whether M is taken over it
    cells: tuple[RoleMax | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSeries:
    """The largest |x| of one role in each row of the layer table, over the layer's parts."""

    role: str
    values: tuple[tuple[float | None, ...], ...]  # a row, then a report


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerTable:
    """Layers held against each other.

    With equal numbers of layers a row is a layer. Otherwise it is an equal share of the depth: a
    layer belongs to the row its middle falls into, and each row has at least one layer of each.
    """

    aligned_by: str  # "layer" or "depth"
    layers: tuple[tuple[tuple[int, int], ...], ...]  # a row, then a report: first and last layer
    series: tuple[LayerSeries, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertaintyCell:
    """How sure the M of one report is: what parts of its texts reach, and what more would."""

    subsets: tuple[Subsets, ...]
    no_subsets: str | None  # why there are none
    by_text: MaximaByText | None  # null where the report has no maxima of single texts
    not_by_text: str | None  # why it has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Cell:
    """The INT8 diagnostic of one report under one policy; null rows carry their reason."""

    at_peak: FormatRow | None  # at the site that global_max names
    lowest_db: float | None  # this and the next three: over the hidden states
    lowest_layer: int | None
    median_db: float | None
    highest_db: float | None
    final_norm_db: float | None
    reason: str | None  # why the hidden states have no value


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Row:
    """One policy of the per-tensor INT8 diagnostic."""

    policy: str
    cells: tuple[Int8Cell | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadroomRow:
    """One number format, unscaled."""

    format: str
    largest_finite: float
    cells: tuple[Headroom, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictCell:
    """What one report's card says of a format."""

    word: str  # one or two: the verdict
    standing: str  # "within", "near", "beyond" or "unknown"
    number: str | None  # what the word follows from; null where nothing was measured
    condition: str | None  # over what it was measured, and how; or why it was not
    module: str | None  # which one decides
    lowest_db: float | None  # SQNR of its input, where it is the one that is rounded worst


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """The verdict on one format of deployment, in each report."""

    title: str
    cells: tuple[VerdictCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheCell:
    """How far one report's keys, or its values, go."""

    abs_max: float | None  # the largest finite |x|; null without one
    layer: int
    module: str
    num_non_finite: int  # tensors that held NaN or infinity
    num_beyond: int  # tensors beyond FP8 E4M3 without a scale
    num_tensors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRow:
    """Keys, or values, as the cache is given them."""

    role: str  # "key" or "value"
    cells: tuple[CacheCell | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundingRow:
    """The error of one way of rounding over all tensors of a kind."""

    kind: str
    format: str
    granularity: str
    policy: str
    cells: tuple[PooledRow | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LossRow:
    """What one way of rounding does to each model's own predictions."""

    target: str
    format: str
    granularity: str
    policy: str
    cells: tuple[EndToEndRow | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteChange:
    """One watched tensor, before and after: the largest |x|."""

    role: str
    layer: int | None
    part: str | None
    before: float | None
    after: float | None
    ratio: float | None  # after over before; null when that says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """Watched tensors of one role that changed alike: a residual stream moves as one."""

    role: str
    layers: tuple[int, ...]  # empty for the embedding and the final norm
    part: str | None
    before: float
    after: float
    ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChange:
    """One role, before and after: the largest |x|."""

    role: str
    before: float | None
    after: float | None
    ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierChange:
    """Where M sits, before and after."""

    moved: bool  # the first carrier is another site
    channel_moved: bool
    num_before: int  # sites whose largest |x| is M
    num_after: int
    num_shared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed from one release of a model to a later one in the order given."""

    before: str  # column
    after: str  # column
    same_weights: bool  # by the SHA-256 of every weight file
    ratio: float | None  # M over M
    within_bf16_step: bool | None  # M moved by no more than rounding can; null without M
    carrier: CarrierChange | None  # null when either has no M
    roles: tuple[RoleChange, ...]
    movers: tuple[Mover, ...]  # the largest changes among `sites`, largest first
    sites: tuple[SiteChange, ...]  # every tensor that both watched
    num_only_before: int  # tensors without a counterpart in the other
    num_only_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Reports side by side.

    Attributes:
        comparison_version: Of this layout, "0.N".
        comparable: Whether no difference in protocol forbids the comparison.
        reports: One entry for each report, in order.
        protocol: One row for each field of the protocol.
        by_role: The largest |x| of each role.
        by_layer: The largest |x| of each layer, or of each share of the depth.
        certainty: How sure M is, one cell for each report.
        int8: One row for each policy of the INT8 diagnostic.
        dtype_headroom: One row for each number format, unscaled.
        verdicts: One row for each format of deployment.
        kv: Keys and values, as caches are given them.
        rounding: One row for each way of rounding that some report has errors of.
        end_to_end: One row for each run with rounding.
        changes: From each release of a model to the next one given.
    """

    comparison_version: str
    comparable: bool
    reports: tuple[Entry, ...]
    protocol: tuple[ProtocolRow, ...]
    by_role: tuple[RoleRow, ...]
    by_layer: LayerTable
    certainty: tuple[CertaintyCell, ...]
    int8: tuple[Int8Row, ...]
    dtype_headroom: tuple[HeadroomRow, ...]
    verdicts: tuple[VerdictRow, ...]
    kv: tuple[CacheRow, ...]
    rounding: tuple[RoundingRow, ...]
    end_to_end: tuple[LossRow, ...]
    changes: tuple[Change, ...]
