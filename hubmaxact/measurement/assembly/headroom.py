"""The report's `dtype_headroom`: M against each number format, and where it was exceeded."""

import math
from collections.abc import Sequence

from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.measurement.assembly.sites import Seen
from hubmaxact.report.derived import Headroom, Where
from hubmaxact.report.document import GlobalMax, Report
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


def tell_tokens(report: Report, seen: Seen) -> None:
    """Put into `exceeded_by` in how many tokens the tensor that goes furthest does so.

    Args:
        report: Has its excesses.
        seen: What every site shows.
    """
    beyond = {
        (site.role, site.layer, site.maps[0] if site.role == "linear_input" else site.module): each
        for site, result in seen.items()
        if (each := result.rows_beyond) is not None
    }
    for position, name in enumerate(LARGEST_FINITE):
        for row in report["dtype_headroom"][name]["exceeded_by"]:
            counts = beyond.get((row["role"], row["layer"], row["module"]))
            row["tokens"] = None
            if counts is not None and row["abs_max"] is not None:
                row["tokens"] = counts[position]
