"""The report's `dtype_headroom`: M against each number format, and where it was exceeded."""

import math

from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.measurement.assembly.sites import Seen
from hubmaxact.report.derived import Headroom, Where
from hubmaxact.report.document import GlobalMax


def dtype_headroom(seen: Seen, peak: GlobalMax | None, dtype: str) -> dict[str, Headroom]:
    """M over each format's range, and the first watched site that went furthest beyond it.

    An infinity seen in a run in `dtype` is beyond every format that reaches no further.
    """
    reach = LARGEST_FINITE.get(dtype, math.inf)
    headroom = {}
    for name, limit in LARGEST_FINITE.items():
        where = _largest_beyond(seen, limit, infinite=limit <= reach)
        headroom[name] = Headroom(
            largest_finite=limit,
            ratio=peak["abs_max"] / limit if peak else None,
            exceeded=where is not None,
            where=where,
        )
    return headroom


def _largest_beyond(seen: Seen, limit: float, *, infinite: bool) -> Where | None:
    reached = [
        (math.inf if infinite and result.values.num_inf else result.values.abs_max or 0.0, site)
        for site, result in seen.items()
    ]
    largest, site = max(reached, key=lambda row: row[0], default=(0.0, None))
    if site is None or largest <= limit:
        return None
    abs_max = None if math.isinf(largest) else largest
    return Where(role=site.role, layer=site.layer, module=site.module, abs_max=abs_max)
