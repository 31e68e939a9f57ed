"""Rules about INT8 rows: what rounding to 255 steps can and cannot do to finite values."""

from collections.abc import Iterator

from hubmaxact.formats import INT8_LEVELS
from hubmaxact.report.consistency.predicates import above, key_of, num_finite, on_bf16_grid
from hubmaxact.report.consistency.quantization import rows_with_paths
from hubmaxact.report.derived import FormatRow
from hubmaxact.report.document import Report, SiteFacts
from hubmaxact.report.problem import Problem
from hubmaxact.report.row_fields import field

SUMS = ("sum_sq", "err_sq", "rel_rmse", "rel_mae", "clip_rate")

HALF_BF16_STEP, SMALLEST_BF16 = 2.0**-8, 2.0**-133
"""How far a value can move when it is rounded to bf16: relative to it, or among the smallest."""


def thresholds_lie_within(report: Report) -> Iterator[Problem]:
    """A threshold is above zero and no larger than the values it was taken from."""
    for path, row, site in _rows_with_sites(report):
        threshold, largest = row["threshold"], site["abs_max"] or 0.0
        if threshold is None:
            continue
        if row["policy"] != "max_abs":
            # Quantiles may come from rounded values.
            largest = largest * (1 + HALF_BF16_STEP) + SMALLEST_BF16
            if not on_bf16_grid(threshold):
                yield Problem(f"{path}.threshold", f"is {threshold}, which is no bf16 value")
        if not 0 < threshold <= largest:
            message = f"is {threshold}, but must be above 0 and the site's abs_max is {largest}"
            yield Problem(f"{path}.threshold", message)


def nothing_comes_from_nothing(report: Report) -> Iterator[Problem]:
    """Without a threshold nothing was quantized, and without elements nothing is known."""
    for path, row in rows_with_paths(report):
        given = [name for name in SUMS if field(row, name) is not None]
        if row["threshold"] is None and (given or row["count"]):
            name = given[0] if given else "count"
            yield Problem(f"{path}.{name}", "is given, but threshold is null")
        if not row["count"] and row["sqnr_db"] is not None:
            yield Problem(f"{path}.count", f"is 0, but sqnr_db is {row['sqnr_db']}")


def sums_fit_the_site(report: Report) -> Iterator[Problem]:
    """The evaluation split's squares are among the site's, and none exceeds the largest."""
    for path, row, site in _rows_with_sites(report):
        total, rms = row["sum_sq"], site["rms"] or 0.0
        most = min((site["abs_max"] or 0.0) ** 2 * row["count"], rms**2 * num_finite(site))
        if total is not None and above(total, most):
            message = f"is {total}, but abs_max, rms and count of that site allow {most}"
            yield Problem(f"{path}.sum_sq", message)


def errors_are_bounded(report: Report) -> Iterator[Problem]:
    """Zero is a level, so no error exceeds its value; unclipped ones stay within half a step."""
    for path, row in rows_with_paths(report):
        for name in ("rel_rmse", "rel_mae"):
            found = row[name]
            if found is not None and above(found, 1.0):
                message = f"is {found}, but rounding to the nearest level errs by |x| at most"
                yield Problem(f"{path}.{name}", message)
        half_step = (row["threshold"] or 0.0) / INT8_LEVELS / 2
        most = row["count"] * half_step**2
        if row["clip_rate"] == 0 and row["err_sq"] is not None and above(row["err_sq"], most):
            message = f"is {row['err_sq']}, but nothing is clipped and half steps add up to {most}"
            yield Problem(f"{path}.err_sq", message)
        yield from _mean_errors(path, row)


def _mean_errors(path: str, row: FormatRow) -> Iterator[Problem]:
    """One of the two error sums is zero exactly when the other one is."""
    rmse, mae = row["rel_rmse"], row["rel_mae"]
    if rmse is not None and mae is not None and (rmse == 0) != (mae == 0):
        yield Problem(f"{path}.rel_mae", f"is {mae}, but rel_rmse is {rmse}")


def clipping_agrees(report: Report) -> Iterator[Problem]:
    """What is clipped lies beyond the threshold, and its squares are part of sum_sq."""
    for path, row, site in _rows_with_sites(report):
        rate, threshold, total = row["clip_rate"], row["threshold"], row["sum_sq"]
        if rate is None or threshold is None or total is None:
            continue
        if rate and threshold >= (site["abs_max"] or 0.0):
            message = f"is {rate}, but no |x| is above the threshold, {threshold}"
            yield Problem(f"{path}.clip_rate", message)
        elif above(rate * row["count"] * threshold**2, total):
            message = f"is {rate}, but so many values above {threshold} exceed sum_sq, {total}"
            yield Problem(f"{path}.clip_rate", message)


def policies_see_the_same(report: Report) -> Iterator[Problem]:
    """The policies of a site differ in their thresholds, not in what they are applied to."""
    first: dict[object, tuple[str, FormatRow]] = {}
    for path, row in rows_with_paths(report):
        if row["threshold"] is None:
            continue
        earlier, other = first.setdefault(key_of(row["site"]), (path, row))
        for name in ("count", "sum_sq"):
            if row[name] != other[name]:
                yield Problem(f"{path}.{name}", f"is {row[name]}, but {earlier} has {other[name]}")


def _rows_with_sites(report: Report) -> Iterator[tuple[str, FormatRow, SiteFacts]]:
    """Rows with the sites they speak of; a row without one is another rule's business."""
    sites = {key_of(site): site for site in report["sites"]}
    for path, row in rows_with_paths(report):
        if (site := sites.get(key_of(row["site"]))) is not None:
            yield path, row, site
