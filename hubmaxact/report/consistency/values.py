"""Rules about the statistics of one watched tensor at a time."""

import math
from collections.abc import Iterator
from itertools import pairwise

from hubmaxact.report.consistency.predicates import (
    ROUNDING,
    above,
    in_float32,
    is_shortened,
    near,
    num_finite,
    on_bf16_grid,
    sites_with_paths,
    told,
)
from hubmaxact.report.document import Report, SiteFacts
from hubmaxact.report.json_text import join
from hubmaxact.report.problem import Problem
from hubmaxact.report.roles import ROLE_BY_NAME
from hubmaxact.report.row_fields import fields

EXTREMES = ("min", "max", "abs_max")
MOMENTS = ("mean", "std", "rms", "abs_mean", "zero_fraction")

SMALLEST_FLOAT32 = 2.0**-149


def nulls_mean_nothing_finite(report: Report) -> Iterator[Problem]:
    """Statistics are null exactly when no element was finite."""
    for path, site in sites_with_paths(report):
        finite = num_finite(site)
        known = told(finite, "element is", "elements are")
        names = EXTREMES if _lacks_moments(report, site) else EXTREMES + MOMENTS
        values: dict[str, object] = fields(site, names)
        values |= {join("abs_quantiles", q): v for q, v in _levels(site).items()}
        for name, value in values.items():
            if (value is None) != (finite <= 0):
                found = "null" if value is None else value
                yield Problem(f"{path}.{name}", f"is {found}, but {known} finite")
        lacks = not site["top"] and _may_lack(report, site)
        if bool(site["top"]) != (finite > 0) and not lacks:
            message = f"holds {told(len(site['top']), 'value')}, but {known} finite"
            yield Problem(f"{path}.top", message)


def _lacks_moments(report: Report, site: SiteFacts) -> bool:
    return _may_lack(report, site) and not any(
        value is not None for value in fields(site, MOMENTS).values()
    )


def _may_lack(report: Report, site: SiteFacts) -> bool:
    """Whether a large report may tell no more of a site than its extremes."""
    return is_shortened(report) and not ROLE_BY_NAME[site["role"]].in_global_max


def _levels(site: SiteFacts) -> dict[str, float | None]:
    return site["abs_quantiles"] or {}


def quantiles_are_there(report: Report) -> Iterator[Problem]:
    """Only a large report of profile `deployment` has no room for them, nor for those of blocks."""
    if is_shortened(report):
        return
    for path, site in sites_with_paths(report):
        if site["abs_quantiles"] is None:
            message = "is null, though the report has room for quantiles of blocks"
            yield Problem(f"{path}.abs_quantiles", message)


def moments_agree(report: Report) -> Iterator[Problem]:
    """Extremes are exact; moments obey their inequalities but for rounding."""
    for path, site in sites_with_paths(report):
        low, high, abs_max = site["min"], site["max"], site["abs_max"]
        if low is None or high is None or abs_max is None:
            continue
        if low > high:
            yield Problem(f"{path}.min", f"is {low}, above max, which is {high}")
        if abs_max != (largest := max(abs(low), abs(high))):
            yield Problem(f"{path}.abs_max", f"is {abs_max}, but max(|min|, |max|) is {largest}")
        yield from _moments(path, site, abs_max)
        mean = site["mean"]
        if mean is not None and (above(low, mean) or above(mean, high)):
            yield Problem(f"{path}.mean", f"is {mean}, outside min and max, {low} and {high}")


def _moments(path: str, site: SiteFacts, abs_max: float) -> Iterator[Problem]:
    mean, std, rms, abs_mean = site["mean"], site["std"], site["rms"], site["abs_mean"]
    if mean is None or std is None or rms is None or abs_mean is None:
        return
    if not near(rms, known := math.hypot(mean, std), 1e-4):
        yield Problem(f"{path}.rms", f"is {rms}, but sqrt(mean^2 + std^2) is {known}")
    ladder = {"|mean|": abs(mean), "abs_mean": abs_mean, "rms": rms, "abs_max": abs_max}
    for (lower, low), (upper, high) in pairwise(ladder.items()):
        if above(low, high):
            yield Problem(path, f"{lower} is {low}, above {upper}, which is {high}")


def quantiles_ascend(report: Report) -> Iterator[Problem]:
    """Quantiles ascend and, unless they were rounded, stay within the extremes."""
    rounded = report["protocol"]["counts_rounded_to"] is not None
    for path, site in sites_with_paths(report):
        ladder = {join(f"{path}.abs_quantiles", q): v for q, v in _levels(site).items()}
        if not rounded:
            ladder[f"{path}.abs_max"] = site["abs_max"]
        known = {name: value for name, value in ladder.items() if value is not None}
        for (lower, low), (upper, high) in pairwise(known.items()):
            if low > high:
                yield Problem(lower, f"is {low}, above {upper}, which is {high}")


def zeros_agree(report: Report) -> Iterator[Problem]:
    """Zeros are the smallest magnitudes: they fill the quantiles from below, and only they do."""
    exact = report["protocol"]["counts_rounded_to"] is None
    for path, site in sites_with_paths(report):
        share, abs_max = site["zero_fraction"], site["abs_max"]
        if share is None or abs_max is None:
            continue
        if (share == 1) != (abs_max == 0):
            yield Problem(f"{path}.zero_fraction", f"is {share}, but abs_max is {abs_max}")
        for level, value in _levels(site).items():
            # A quantile is the value of a whole rank, so a share may lie one element off.
            rank, slack = float(level), 1 / max(1, num_finite(site)) + ROUNDING
            filled = share > rank + slack
            # Rounding turns the smallest values into zeros, so only exact counts say more.
            if (value and filled) or (value == 0 and exact and share < rank - slack):
                message = f"is {value}, but zero_fraction is {share}"
                yield Problem(join(f"{path}.abs_quantiles", level), message)


def ratios_are_possible(report: Report) -> Iterator[Problem]:
    """A row's largest value over its median is at least 1; no median is below float32's step."""
    for path, site in sites_with_paths(report):
        ratio, abs_max = site["massive"]["max_ratio"], site["abs_max"]
        if ratio is None:
            continue
        largest = (abs_max or 0) / SMALLEST_FLOAT32
        if not 1 <= ratio <= largest:
            message = f"is {ratio}, but abs_max {abs_max} allows 1 to {largest}"
            yield Problem(f"{path}.massive.max_ratio", message)


def values_lie_on_the_grid(report: Report) -> Iterator[Problem]:
    """What was one element of a tensor is a bf16 or at least a float32 value, and not made up."""
    protocol = report["protocol"]
    exact = protocol["counts_rounded_to"] is None and protocol["dtype"] == "bfloat16"
    for path, value in _quantiles(report):
        if not on_bf16_grid(value):
            yield Problem(path, f"is {value}, which is no bf16 value")
    for path, value in _elements(report):
        if not (on_bf16_grid(value) if exact else in_float32(value)):
            words = "bf16" if exact else "float32"
            yield Problem(path, f"is {value}, which is no {words} value")


def _quantiles(report: Report) -> Iterator[tuple[str, float]]:
    """Every quantile: they come from counts of bf16 values, rounded or not."""
    for path, site in sites_with_paths(report):
        for level, value in _levels(site).items():
            if value is not None:
                yield join(f"{path}.abs_quantiles", level), value


def _elements(report: Report) -> Iterator[tuple[str, float]]:
    """Every number that is one element of a watched tensor, or its magnitude."""
    for path, site in sites_with_paths(report):
        if site["min"] is not None and site["max"] is not None:
            yield from ((f"{path}.min", site["min"]), (f"{path}.max", site["max"]))
        for rank, entry in enumerate(site["top"]):
            yield f"{path}.top[{rank}].value", entry["value"]
    for name, value in report["domains"].items():
        if value is not None:
            yield join("domains", name), value
    for position, subset in enumerate(report["stability"]["subsets"]):
        for draw, value in enumerate(subset["values"]):
            yield f"stability.subsets[{position}].values[{draw}]", value
    yield from _of_texts(report)


def _of_texts(report: Report) -> Iterator[tuple[str, float]]:
    """Maxima of parts of texts, where they are told."""
    found = report["stability"].get("by_text")
    if found is None:
        return
    told = {"after_first_token": found["after_first_token"]["abs_max"]}
    rows = enumerate(found.get("by_position", []))
    told |= {f"by_position[{place}]": row["abs_max"] for place, row in rows}
    for path, value in told.items():
        if value is not None:
            yield f"stability.by_text.{path}.abs_max", value
