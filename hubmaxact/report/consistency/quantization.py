"""Rules about quantization rows: which there are, and how their numbers follow from each other."""

import math
from collections.abc import Iterator

from hubmaxact.formats import INT8_CONVENTION, INT8_LABEL, INT8_POLICIES
from hubmaxact.printable import shown
from hubmaxact.report.consistency.pooled import pooled_rows
from hubmaxact.report.consistency.predicates import (
    SiteKey,
    is_shortened,
    key_of,
    name_of,
    near,
    num_finite,
    told,
)
from hubmaxact.report.derived import FormatRow, PooledRow
from hubmaxact.report.document import Report
from hubmaxact.report.problem import Problem
from hubmaxact.report.row_fields import field

MEASURED = ("threshold", "sum_sq", "err_sq", "rel_rmse", "rel_mae", "clip_rate")
ALWAYS = ("hidden_state", "final_norm")
WORDS = {
    "format": ("int8",),
    "granularity": ("per_tensor",),
    "policy": INT8_POLICIES,
    "convention": (INT8_CONVENTION,),
    "label": (INT8_LABEL,),
}
"""What a row may say of itself: anything else was not measured as the schema's version says."""


def rows_with_paths(report: Report) -> Iterator[tuple[str, FormatRow]]:
    """Yield every row with its path in the document."""
    for position, row in enumerate(report["quantization"]["formats"]):
        yield f"quantization.formats[{position}]", row


def rows_are_of_a_known_kind(report: Report) -> Iterator[Problem]:
    """Format, policy, convention and label are those that this version measures."""
    for path, row in rows_with_paths(report):
        for name, allowed in WORDS.items():
            found: str = field(row, name)
            if found not in allowed:
                known = " or ".join(map(shown, allowed))
                yield Problem(f"{path}.{name}", f"is {shown(found)}, which is not {known}")


def sites_have_rows(report: Report) -> Iterator[Problem]:
    """Every hidden state, the final norm and whatever carries M has a row for each policy.

    Of a large report the final norm and the first carrier have.
    """
    wanted = _wanted(report)
    found = {(key_of(row["site"]), row["policy"]) for row in report["quantization"]["formats"]}
    for key in map(key_of, report["sites"]):
        for policy in INT8_POLICIES if key in wanted else ():
            if (key, policy) not in found:
                message = f"has no row for {name_of(*key)} under {policy}"
                yield Problem("quantization.formats", message)


def _wanted(report: Report) -> set[SiteKey]:
    peak = report["global_max"]
    carriers = peak["carriers"] if peak else []
    always = frozenset(ALWAYS)
    if is_shortened(report):
        carriers, always = carriers[:1], always - {"hidden_state"}
    sites = {key_of(site): site["role"] for site in report["sites"]}
    wanted = {key for key, role in sites.items() if role in always}
    # A carrier that sites does not have is another rule's business.
    return wanted | {key_of(carrier) for carrier in carriers} & set(sites)


def rows_have_sites(report: Report) -> Iterator[Problem]:
    """A row speaks of a site of this report and of no more elements than it has; none twice."""
    sites = {key_of(site): site for site in report["sites"]}
    seen: set[object] = set()
    for path, row in rows_with_paths(report):
        key = key_of(row["site"])
        if key not in sites:
            yield Problem(f"{path}.site", f"is {name_of(*key)}, which sites does not have")
        elif row["count"] > (most := num_finite(sites[key])):
            message = f"is {row['count']}, but that site has {most} finite elements"
            yield Problem(f"{path}.count", message)
        full = (key, row["format"], row["granularity"], row["policy"], row["convention"])
        if full in seen:
            yield Problem(path, "repeats an earlier row")
        seen.add(full)


def errors_agree(report: Report) -> Iterator[Problem]:
    """Decibels and relative errors follow from the sums; a reason stands for what is null."""
    for path, row in _all_rows(report):
        if (row["reason"] is None) != (row["sqnr_db"] is not None):
            yield Problem(f"{path}.reason", "must be given exactly when sqnr_db is null")
        nulls = [name for name in MEASURED if row.get(name, 0) is None]
        if nulls and row["reason"] is None:
            yield Problem(f"{path}.{nulls[0]}", "is null, but reason is null too")
        yield from _errors(path, row)


def _all_rows(report: Report) -> Iterator[tuple[str, FormatRow | PooledRow]]:
    yield from rows_with_paths(report)
    yield from pooled_rows(report)


def _errors(path: str, row: FormatRow | PooledRow) -> Iterator[Problem]:
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
    """Rows are null when a split is empty or the corpus has too few texts for both."""
    protocol, num_samples = report["protocol"], report["protocol"]["corpus"]["num_samples"]
    splits = (protocol["calibration_samples"], protocol["evaluation_samples"])
    if all(splits) and sum(splits) <= num_samples:
        return
    for path, row in _all_rows(report):
        if row["sqnr_db"] is not None:
            message = (
                f"is {row['sqnr_db']}, but both splits need {told(sum(splits), 'text')} "
                f"and {told(num_samples, 'was', 'were')} read"
                if all(splits)
                else f"is {row['sqnr_db']}, but the splits have {splits[0]} and "
                f"{told(splits[1], 'text')}"
            )
            yield Problem(f"{path}.sqnr_db", message)
