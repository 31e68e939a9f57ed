"""The report's `dtype_headroom`: M against each number format, and where it was exceeded."""

import math
from collections.abc import Sequence

from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.report.derived import Headroom, Where
from hubmaxact.report.document import GlobalMax
from hubmaxact.report.watched_rows import WatchedRow


def dtype_headroom(
    seen: Sequence[WatchedRow], peak: GlobalMax | None, dtype: str
) -> dict[str, Headroom]:
    """M over each format's range, and the first watched tensor that went furthest beyond it.

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


def _largest_beyond(seen: Sequence[WatchedRow], limit: float, *, infinite: bool) -> Where | None:
    reached = [(math.inf if infinite and row.num_inf else row.abs_max or 0.0, row) for row in seen]
    largest, row = max(reached, key=lambda each: each[0], default=(0.0, None))
    if row is None or largest <= limit:
        return None
    abs_max = None if math.isinf(largest) else largest
    return Where(role=row.role, layer=row.layer, module=row.module, abs_max=abs_max)
