"""Rules about number formats: headroom and quantization rows."""

import math
from collections.abc import Iterator

from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.report.consistency.facts import name_of, near, same
from hubmaxact.report.document import FormatRow, Headroom, Report, SiteFacts
from hubmaxact.report.problem import Problem

MEASURED = ("threshold", "sum_sq", "err_sq", "rel_rmse", "rel_mae", "clip_rate")


def headroom_agrees(report: Report) -> Iterator[Problem]:
    """Ratio and excess follow from M, from the sites and from the format."""
    peak = report["global_max"]
    for name, row in report["dtype_headroom"].items():
        path, limit = f"dtype_headroom.{name}", LARGEST_FINITE[name]
        if row["largest_finite"] != limit:
            message = f"is {row['largest_finite']}, but {name} ends at {limit}"
            yield Problem(f"{path}.largest_finite", message)
        ratio = None if peak is None else peak["abs_max"] / limit
        if not same(row["ratio"], ratio):
            yield Problem(f"{path}.ratio", f"is {row['ratio']}, but M over {limit} is {ratio}")
        yield from _excess(path, row, limit, _furthest(report, limit))


def _furthest(report: Report, limit: float) -> tuple[float, SiteFacts | None]:
    """The first site with the largest |x|; an infinity counts where the run reached `limit`."""
    infinite = limit <= LARGEST_FINITE.get(report["protocol"]["dtype"], math.inf)
    reached = [
        (math.inf if infinite and site["num_inf"] else site["abs_max"] or 0.0, site)
        for site in report["sites"]
    ]
    return max(reached, key=lambda row: row[0], default=(0.0, None))


def _excess(
    path: str, row: Headroom, limit: float, furthest: tuple[float, SiteFacts | None]
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
    known = {**largest, "abs_max": None if math.isinf(reached) else reached}
    for name in ("role", "layer", "module", "abs_max"):
        if where[name] != known[name]:
            message = f"is {where[name]}, but the site with the largest |x| has {known[name]}"
            yield Problem(f"{path}.where.{name}", message)


def rows_have_sites(report: Report) -> Iterator[Problem]:
    """A row speaks of a site of this report and of no more elements than it has; none twice."""
    sites = {(s["role"], s["layer"], s["part"]): s for s in report["sites"]}
    seen: set[object] = set()
    for position, row in enumerate(report["quantization"]["formats"]):
        path, place = f"quantization.formats[{position}]", row["site"]
        key = (place["role"], place["layer"], place["part"])
        if key not in sites:
            yield Problem(f"{path}.site", f"is {name_of(*key)}, which sites does not have")
        elif row["count"] > sites[key]["count"]:
            message = f"is {row['count']}, but that site has {sites[key]['count']} elements"
            yield Problem(f"{path}.count", message)
        full = (key, row["format"], row["granularity"], row["policy"], row["convention"])
        if full in seen:
            yield Problem(path, "repeats an earlier row")
        seen.add(full)


def errors_agree(report: Report) -> Iterator[Problem]:
    """Decibels and relative errors follow from the sums; a reason stands for what is null."""
    for position, row in enumerate(report["quantization"]["formats"]):
        path = f"quantization.formats[{position}]"
        if (row["reason"] is None) != (row["sqnr_db"] is not None):
            yield Problem(f"{path}.reason", "must be given exactly when sqnr_db is null")
        nulls = [name for name in MEASURED if row[name] is None]  # type: ignore[literal-required]
        if nulls and row["reason"] is None:
            yield Problem(f"{path}.{nulls[0]}", "is null, but reason is null too")
        yield from _errors(path, row)


def _errors(path: str, row: FormatRow) -> Iterator[Problem]:
    signal, noise = row["sum_sq"], row["err_sq"]
    if not signal or not noise:
        if row["sqnr_db"] is not None:
            message = f"is {row['sqnr_db']}, but sum_sq is {signal} and err_sq is {noise}"
            yield Problem(f"{path}.sqnr_db", message)
        return
    decibels = 10 * (math.log10(signal) - math.log10(noise))
    if row["sqnr_db"] is not None and abs(row["sqnr_db"] - decibels) > 1e-6:
        message = f"is {row['sqnr_db']}, but 10 log10(sum_sq / err_sq) is {decibels}"
        yield Problem(f"{path}.sqnr_db", message)
    if row["rel_rmse"] is not None and not near(row["rel_rmse"], math.sqrt(noise / signal)):
        message = f"is {row['rel_rmse']}, but sqrt(err_sq / sum_sq) is {math.sqrt(noise / signal)}"
        yield Problem(f"{path}.rel_rmse", message)


def splits_exist(report: Report) -> Iterator[Problem]:
    """Rows are null when the corpus has too few texts for both splits."""
    protocol = report["protocol"]
    needed = protocol["calibration_samples"] + protocol["evaluation_samples"]
    if needed <= protocol["corpus"]["num_samples"]:
        return
    for position, row in enumerate(report["quantization"]["formats"]):
        if row["sqnr_db"] is not None:
            message = (
                f"is {row['sqnr_db']}, but both splits need {needed} texts and "
                f"{protocol['corpus']['num_samples']} were read"
            )
            yield Problem(f"quantization.formats[{position}].sqnr_db", message)
