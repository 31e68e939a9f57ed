"""What the calibration split gives a way of rounding, tensor by tensor."""

from hubmaxact.deployed_formats import DeployedFormat
from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.counted_errors import counted_thresholds
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics


def threshold(statistics: SiteStatistics, way: DeployedFormat) -> float | None:
    """Tell the |x| that maps to the largest code, the same that errors of rounding are told at.

    Args:
        statistics: Of the tensor that is rounded; they hold the calibration split.
        way: How it is rounded.

    Returns:
        A number above zero. None: the way takes none, or the split gives none.
    """
    if not way.has_threshold:
        return None
    if not way.is_counted:
        return statistics.thresholds().get(way.policy)
    calibration = statistics.values[Split.CALIBRATION].bins()
    return counted_thresholds([way], calibration).get(way)
