"""Errors of formats with one scale for a tensor: counts of its values give them afterwards.

Thresholds are those of the calibration split, errors those over the evaluation split. Knows no
tensors, and nothing of formats that need tokens whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hubmaxact.deployed_formats import (
    CLIP,
    MAX_ABS,
    MEAN_SQUARE,
    PER_TENSOR,
    DeployedFormat,
)
from hubmaxact.measurement.statistics.distribution import Bins
from hubmaxact.measurement.statistics.format_errors import FormatError
from hubmaxact.measurement.statistics.magnitudes import Magnitudes
from hubmaxact.measurement.statistics.mean_square import least_error_thresholds

CLIPPED_AT = CLIP.removeprefix("clip_q")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedErrors:
    """What a tensor loses, all its values as bf16, non-finite ones left out.

    Attributes:
        sum_sq: Sum of x^2 over the evaluation split.
        count: Values of it.
        thresholds: By way, those above zero; ways that need none are not here.
        errors: By way, those that have what they need.
    """

    sum_sq: float
    count: int
    thresholds: Mapping[DeployedFormat, float]
    errors: Mapping[DeployedFormat, FormatError]


def counted_errors(kind: str, calibration: Bins, evaluation: Bins) -> CountedErrors:
    """Round a tensor each way that its kind is rounded with one scale.

    Args:
        kind: Of the tensor, such as "linear_input".
        calibration: Values of this split.
        evaluation: Values of the other.

    Returns:
        Errors of ways without a threshold above zero are left out.
    """
    ways = [way for way in PER_TENSOR if kind in way.kinds]
    thresholds = counted_thresholds(ways, calibration)
    asked = [way for way in ways if way in thresholds or not way.has_threshold]
    x = Magnitudes.of(evaluation)
    errors = x.errors([(way, thresholds.get(way)) for way in asked])
    return CountedErrors(
        sum_sq=x.sum_sq,
        count=int(evaluation.counts.sum()),
        thresholds=thresholds,
        errors=dict(zip(asked, errors, strict=True)),
    )


def counted_thresholds(
    ways: Sequence[DeployedFormat], calibration: Bins
) -> dict[DeployedFormat, float]:
    """Tell what the calibration split gives ways with one scale for a tensor.

    Args:
        ways: Any of `PER_TENSOR`.
        calibration: Values of the split.

    Returns:
        By way, those above zero.
    """
    x = Magnitudes.of(calibration)
    fixed = {MAX_ABS: x.largest, CLIP: calibration.abs_quantile(CLIPPED_AT)}
    found = {way: threshold for way in ways if (threshold := fixed.get(way.policy))}
    return found | least_error_thresholds([way for way in ways if way.policy == MEAN_SQUARE], x)
