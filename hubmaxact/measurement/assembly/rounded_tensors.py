"""What each tensor loses each way that it is rounded: counted afterwards, or in the pass."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from hubmaxact.deployed_formats import IN_PASS, DeployedFormat, formats_of
from hubmaxact.measurement.assembly.sites import Seen
from hubmaxact.measurement.statistics.format_errors import FormatError
from hubmaxact.measurement.statistics.site_result import SiteResult
from hubmaxact.report.document import Report
from hubmaxact.report.rounded_tensors import RoundedPlace, rounded_places


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundedTensor:
    """One way of rounding one tensor, over the finite values of the evaluation split."""

    kind: str
    place: RoundedPlace
    way: DeployedFormat
    threshold: float | None  # None: the way takes none from the calibration split
    sum_sq: float
    count: int  # above zero
    error: FormatError

    @property
    def sqnr_db(self) -> float | None:
        """10 log10(sum x^2 / sum e^2); None when either sum is zero."""
        return sqnr_db(self.sum_sq, self.error.err_sq)


def sqnr_db(sum_sq: float, err_sq: float) -> float | None:
    """Signal to noise in dB; None when either sum is zero."""
    if sum_sq == 0.0 or err_sq == 0.0:
        return None
    return 10.0 * (math.log10(sum_sq) - math.log10(err_sq))


def rounded_tensors(seen: Seen, report: Report) -> list[RoundedTensor]:
    """Return what was measured of the tensors that a report speaks of.

    Args:
        seen: What every site showed.
        report: Of it, of profile deployment.

    Returns:
        By kind, tensor in the report's order, and way in that of the table. Left out are tensors
        without a finite value to evaluate and ways without a threshold above zero.
    """
    results = {(site.role, site.layer, site.part): result for site, result in seen.items()}
    return [
        row
        for kind, places in rounded_places(report).items()
        for place in places
        for row in _rows(kind, place, results[kind, place.layer, place.part])
    ]


def _rows(kind: str, place: RoundedPlace, result: SiteResult) -> Iterator[RoundedTensor]:
    counted = result.counted_errors
    assert counted is not None
    if not counted.count:
        return
    errors = dict(counted.errors)
    thresholds = dict(counted.thresholds)
    if result.format_errors is not None:
        errors |= dict(zip(IN_PASS, result.format_errors, strict=True))
    if result.calibration_max:
        thresholds |= dict.fromkeys(
            (way for way in IN_PASS if way.has_threshold), result.calibration_max
        )
    for way in formats_of(kind):
        if way in errors and (way in thresholds or not way.has_threshold):
            yield RoundedTensor(
                kind=kind,
                place=place,
                way=way,
                threshold=thresholds.get(way),
                sum_sq=counted.sum_sq,
                count=counted.count,
                error=errors[way],
            )
