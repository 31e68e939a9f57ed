"""Findings on M itself: who goes beyond fp16, how far M spans, and which tensors hold it."""

import math
from collections import defaultdict
from collections.abc import Sequence

from hubmaxact.catalog import findings
from hubmaxact.catalog.findings import Basis, Carriers, Span
from hubmaxact.catalog.row import Row
from hubmaxact.formats import FP16_LIMIT
from hubmaxact.page.findings.finding import (
    Finding,
    Point,
    Table,
    chart,
    finding,
    magnitude,
    named,
    number,
    pooled,
    thinned,
)
from hubmaxact.page.safe_text import shown
from hubmaxact.page.verdict import largest, site, verdict
from hubmaxact.rendering import numbers
from hubmaxact.report.roles import ROLE_BY_NAME

LEVELS = {"beyond": "beyond fp16", "near": "within a factor of 2 of it", "within": "further below"}
TYPES = {"dense": "dense", "moe": "mixture of experts", None: "type not known"}


def _exceeding(num: int) -> str:
    return "release exceeds" if num == 1 else "releases exceed"


def beyond_fp16(rows: Sequence[Row]) -> Finding:
    """Return how many releases exceed fp16's range, and which."""
    known = [row for row in findings.usable(rows) if row["exceeds_float16"] is not None]
    known.sort(key=lambda row: (-magnitude(row), row["key"]))
    found = Basis(num_reports=len(known), num_protocols=len({r["protocol_key"] for r in known}))
    beyond = [row for row in known if row["exceeds_float16"]]
    answer = f"{len(beyond):,} of {len(known):,}" if known else None
    return finding(
        "fp16",
        f"{answer} {_exceeding(len(known))} fp16's range"
        if known
        else "No release to hold against fp16",
        found,
        (*_on_fp16(known, beyond), pooled(found), thinned(known)),
        answer=answer,
        table=Table(
            head=["Release", "M", "M over 65,504", "M sits in", "Verdict"],
            rows=[
                [named(r), magnitude(r), number(magnitude(r) / FP16_LIMIT), site(r), _level(r)]
                for r in known
            ],
        ),
        picture=chart("dots", _by_level(known), x_label="M"),
    )


def _on_fp16(known: Sequence[Row], beyond: Sequence[Row]) -> list[str]:
    if not known:
        return ["No complete report in this population says whether fp16 was exceeded."]
    near = sum(verdict(row)["level"] == "near" for row in known)
    said = [
        (
            "fp16 ends at 65,504: a larger activation becomes infinity unless it is scaled or "
            "kept in another format. bf16 reaches as far as fp32."
        ),
        f"{numbers.count(near, 'more release')} came within a factor of 2 of it." if near else "",
    ]
    if beside := sum(magnitude(row) <= FP16_LIMIT for row in beyond):
        said.append(
            f"{beside:,} of them exceed it in a tensor beside M alone, such as an MLP gate."
        )
    if beyond:
        said.append(f"The furthest beyond it: {named(beyond[0])}, {_times(beyond[0])}.")
    return said


def _times(row: Row) -> str:
    found = largest(row)
    assert found is not None
    return f"{numbers.value(found[0])}, which is {numbers.ratio(found[0] / FP16_LIMIT)} 65,504"


def _level(row: Row) -> str:
    return LEVELS[verdict(row)["level"]]


def _by_level(rows: Sequence[Row]) -> dict[str, list[Point]]:
    series: dict[str, list[Point]] = {label: [] for label in LEVELS.values()}
    for row in rows:
        level = verdict(row)["level"]
        point = Point(label=named(row), x=magnitude(row), y=None, level=level)
        series[LEVELS[level]].append(point)
    return series


def span(rows: Sequence[Row]) -> Finding:
    """Return how many orders of magnitude M spans."""
    found = findings.span(rows)
    known = findings.usable(rows)
    orders = number(found.orders_of_magnitude)
    answer = None if orders is None else f"{orders:.2f}"
    sized = [row for row in known if row["size"]]
    return finding(
        "span",
        f"M spans {answer} orders of magnitude" if answer else "No M to compare",
        found,
        (*_on_span(found), pooled(found), thinned(sized)),
        answer=answer,
        table=_families(known),
        picture=chart("scatter", _by_type(sized), x_label="parameters", y_label="M", y_log=True),
    )


def _on_span(found: Span) -> list[str]:
    if found.smallest is None or found.largest is None:
        return ["No complete report in this population has an M."]
    least, most = magnitude(found.smallest), magnitude(found.largest)
    return [
        f"The smallest is {numbers.value(least)} ({named(found.smallest)}), the largest "
        f"{numbers.value(most)} ({named(found.largest)}): {numbers.ratio(most / least)} the "
        "smallest."
        if found.smallest is not found.largest
        else f"One release alone: {numbers.value(most)} ({named(found.largest)}).",
        "The paper: nearly four orders of magnitude.",
    ]


def _families(known: Sequence[Row]) -> Table:
    groups: dict[str, list[float]] = defaultdict(list)
    for row in known:
        groups[shown(row["family"] or "family not known")].append(magnitude(row))
    order = sorted(groups.items(), key=lambda group: (-max(group[1]), group[0]))
    return Table(
        head=["Family", "Releases", "Smallest M", "Largest M", "Orders of magnitude"],
        rows=[
            [family, len(ms), min(ms), max(ms), round(math.log10(max(ms)) - math.log10(min(ms)), 2)]
            for family, ms in order
        ],
    )


def _by_type(rows: Sequence[Row]) -> dict[str, list[Point]]:
    series: dict[str, list[Point]] = {label: [] for label in TYPES.values()}
    for row in sorted(rows, key=lambda row: (row["size"] or 0, row["key"])):
        kind = row["architecture"] if row["architecture"] in TYPES else None
        point = Point(label=named(row), x=float(row["size"] or 0), y=magnitude(row))
        series[TYPES[kind]].append(point)
    return series


def carriers(rows: Sequence[Row]) -> Finding:
    """Return how many peaks sit in the residual stream."""
    found = findings.carriers(rows)
    total = sum(found.by_role.values())
    answer = f"{found.residual:,} of {total:,}" if total else None
    return finding(
        "carriers",
        f"{answer} peaks sit in the residual stream" if answer else "No peak's place is known",
        found,
        (*_on_carriers(found, total), _on_first_tokens(rows), pooled(found)),
        answer=answer,
        table=Table(
            head=["Tensor", "Holds M", "Holds M, ties counted"],
            rows=[
                [_title(role), found.by_role.get(role, 0), found.by_role_with_ties.get(role, 0)]
                for role in _roles(found)
            ],
        ),
        picture=chart("bars", {"holds M": _bars(found)}, x_label="releases", x_log=False),
    )


def _on_carriers(found: Carriers, total: int) -> list[str]:
    if not total:
        return ["No complete report in this population says where its M sits."]
    unplaced = found.num_reports - total
    return [
        "The residual stream is what every layer adds to: a layer's output, here its hidden state.",
        f"Counting tensors that tie with the first, {found.residual_with_ties:,} of {total:,}.",
        f"Of {numbers.count(unplaced, 'more report')} the place is not known." if unplaced else "",
        "The paper: 22 of 24; with a tie that its own values show, 23 of 24.",
    ]


def _on_first_tokens(rows: Sequence[Row]) -> str:
    """Whether first tokens, where attention sinks sit, hold the peaks; only some reports tell."""
    known = [(row["abs_max_after_first_token"], magnitude(row)) for row in findings.usable(rows)]
    told = [(later, largest) for later, largest in known if later is not None]
    lower = sum(later < largest / 2 for later, largest in told)
    releases = numbers.count(len(told), "release that tells", "releases that tell")
    return f"Without first tokens, M is less than half in {lower:,} of {releases}." if told else ""


def _bars(found: Carriers) -> list[Point]:
    return [
        Point(label=_title(role), x=float(found.by_role.get(role, 0)), y=None)
        for role in _roles(found)
    ]


def _roles(found: Carriers) -> list[str]:
    """Every role that holds some M, the commonest first."""
    both = {**found.by_role_with_ties, **found.by_role}
    return sorted(both, key=lambda role: (-found.by_role.get(role, 0), role))


def _title(role: str) -> str:
    return ROLE_BY_NAME[role].title if role in ROLE_BY_NAME else shown(role)
