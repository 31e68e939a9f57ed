"""What the calibration split gives a way of rounding, tensor by tensor."""

from hubmaxact.deployed_formats import DeployedFormat
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics


def threshold(statistics: SiteStatistics, way: DeployedFormat) -> float | None:
    """Tell the |x| that maps to the largest code.

    Args:
        statistics: Of the tensor that is rounded; they hold the calibration split.
        way: How it is rounded.

    Returns:
        A number above zero. None: the way takes none, or the split gives none.
    """
    return statistics.thresholds().get(way.policy) if way.has_threshold else None
