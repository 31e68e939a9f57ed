"""Rules about number formats: M against their ranges."""

import math
from collections.abc import Iterator

from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.report import excess
from hubmaxact.report.consistency.predicates import same
from hubmaxact.report.derived import Excess, Headroom
from hubmaxact.report.document import Report
from hubmaxact.report.problem import Problem
from hubmaxact.report.roles import ROLE_BY_NAME
from hubmaxact.report.row_fields import field
from hubmaxact.report.watched_rows import WatchedRow, watched_rows


def headroom_agrees(report: Report) -> Iterator[Problem]:
    """Ratio and excess follow from M, from the sites and from the format."""
    peak = report["global_max"]
    for name, row in report["dtype_headroom"].items():
        path, limit = f"dtype_headroom.{name}", LARGEST_FINITE[name]
        if row["largest_finite"] != limit:
            message = f"is {row['largest_finite']}, but {name} ends at {limit}"
            yield Problem(f"{path}.largest_finite", message)
        ratio = None if peak is None else peak["abs_max"] / limit
        # M is far below bf16's end, so only a relative comparison tells one ratio from another.
        if not same(row["ratio"], ratio, floor=0.0):
            yield Problem(f"{path}.ratio", f"is {row['ratio']}, but M over {limit} is {ratio}")
        yield from _excess(path, row, limit, _furthest(report, limit))


def excesses_agree(report: Report) -> Iterator[Problem]:
    """What exceeds a format, role by role, follows from the rows, and so does the scaling."""
    rows = list(watched_rows(report))
    for name, row in report["dtype_headroom"].items():
        path, known = f"dtype_headroom.{name}", excess.exceeded_by(report, name, rows)
        said = row.get("exceeded_by", known)
        if [each["role"] for each in said] != [each["role"] for each in known]:
            roles = ", ".join(each["role"] for each in known) or "none"
            yield Problem(f"{path}.exceeded_by", f"names other roles than exceed it: {roles}")
            continue
        for position, (one, other) in enumerate(zip(said, known, strict=True)):
            for key in ("layers", "layer", "module", "abs_max", "factor"):
                if field(one, key) != field(other, key):
                    message = f"is {field(one, key)}, but the rows give {field(other, key)}"
                    yield Problem(f"{path}.exceeded_by[{position}].{key}", message)
            yield from _tokens(f"{path}.exceeded_by[{position}].tokens", one, report)
        least = excess.residual_exponent(rows) if name == excess.SCALED else None
        if row.get("residual_exponent", least) != least:
            message = f"is {row['residual_exponent']}, but the rows give {least}"
            yield Problem(f"{path}.residual_exponent", message)


def _tokens(path: str, row: Excess, report: Report) -> Iterator[Problem]:
    """A tensor that exceeds a format does so in some token, and in no more than there are."""
    found, num_tokens = row.get("tokens"), report["protocol"]["corpus"]["num_tokens"]
    if found == 0:
        yield Problem(path, "is 0, but that tensor exceeds the format")
    if found and row["role"] in excess.STREAM and found > num_tokens:
        yield Problem(path, f"is {found}, but the corpus has {num_tokens} tokens")
    if found and (row["abs_max"] is None or ROLE_BY_NAME[row["role"]].rows == "kv"):
        yield Problem(path, f"is {found}, but such rows are not counted by token")


def _furthest(report: Report, limit: float) -> tuple[float, WatchedRow | None]:
    """The first tensor with the largest |x|; an infinity counts where the run reached `limit`."""
    infinite = limit <= LARGEST_FINITE.get(report["protocol"]["dtype"], math.inf)
    reached = [
        (math.inf if infinite and row.num_inf else row.abs_max or 0.0, row)
        for row in watched_rows(report)
    ]
    return max(reached, key=lambda row: row[0], default=(0.0, None))


def _excess(
    path: str, row: Headroom, limit: float, furthest: tuple[float, WatchedRow | None]
) -> Iterator[Problem]:
    reached, largest = furthest
    if row["exceeded"] != (reached > limit):
        message = f"is {str(row['exceeded']).lower()}, but the largest watched |x| is {reached}"
        yield Problem(f"{path}.exceeded", message)
    where = row["where"]
    if (where is not None) != row["exceeded"]:
        yield Problem(f"{path}.where", "must name a site exactly when exceeded is true")
    if where is None or largest is None:
        return
    known = {**largest._asdict(), "abs_max": None if math.isinf(reached) else reached}
    for name in ("role", "layer", "module", "abs_max"):
        if where[name] != known[name]:
            message = f"is {where[name]}, but the site with the largest |x| has {known[name]}"
            yield Problem(f"{path}.where.{name}", message)
