"""What one site shows over all splits, as plain numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

from hubmaxact.measurement.statistics.counted_errors import CountedErrors
from hubmaxact.measurement.statistics.distribution import Bins, Distribution, Float32s, Float64s
from hubmaxact.measurement.statistics.expert_squares import ExpertSums
from hubmaxact.measurement.statistics.format_errors import FormatError
from hubmaxact.measurement.statistics.massive_tokens import MassiveTokens
from hubmaxact.measurement.statistics.top_values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteResult:
    """What a site shows over all splits."""

    values: Distribution
    top: tuple[Value, ...]
    massive: MassiveTokens | None  # None where maps read it or a cache keeps it: rows tell none
    expert_maxima: tuple[float, ...] | None  # by expert or head, -1 for none; None for plain tokens
    channel_maxima: Float32s | None  # by channel, -1 for none; None elsewhere
    block_maxima: Mapping[int, Bins] | None  # by size of block; None elsewhere
    channel_sum_sq: Float64s | None  # by channel, of the calibration split; infinity: not known
    expert_sum_sq: ExpertSums | None  # the same by expert, inside experts and in its place
    calibration_max: float | None  # largest |x| of the calibration split, if above zero
    counted_errors: CountedErrors | None  # of what is rounded in deployment; None elsewhere
    format_errors: tuple[FormatError, ...] | None  # by way of IN_PASS; None: not summed
    rows_beyond: tuple[int, ...] | None  # by format of LARGEST_FINITE; None where rows are of heads
