"""INT-8 rows of a report: every hidden state, the final norm, and the sites that carry M."""

from collections.abc import Mapping

from hubmaxact.formats import INT8_CONVENTION, INT8_LABEL
from hubmaxact.measurement.anatomy.site import Site
from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.int8_error import POLICIES, Int8Error
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.report.derived import FormatRow, Quantization, SiteRef
from hubmaxact.report.document import GlobalMax

ROLES = ("hidden_state", "final_norm")


def shortage_of(num_samples: int, *, calibration: int, evaluation: int) -> str | None:
    """Tell why a corpus is too small for both splits; None: it is not."""
    if num_samples < calibration + evaluation:
        return (
            f"needs {calibration} calibration and {evaluation} evaluation "
            f"{'sample' if evaluation == 1 else 'samples'}; "
            f"{num_samples} {'was' if num_samples == 1 else 'were'} measured"
        )
    if not calibration or not evaluation:
        return "needs at least one calibration and one evaluation sample"
    return None


def quantization(
    sites: Mapping[Site, SiteStatistics],
    peak: GlobalMax | None,
    *,
    shortage: str | None,
) -> Quantization:
    """Both policies at each site; too few samples make the rows null, with the reason.

    Args:
        sites: With their statistics.
        peak: Its carriers have rows of their own.
        shortage: Why there are too few samples; None: there are enough.

    Returns:
        Rows in site order.
    """
    carriers = {(c["role"], c["layer"], c["part"]) for c in peak["carriers"]} if peak else set()
    return Quantization(
        formats=[
            _row(site, statistics, policy, shortage)
            for site, statistics in sorted(sites.items(), key=lambda item: item[0].order)
            if site.role in ROLES or (site.role, site.layer, site.part) in carriers
            for policy in POLICIES
        ]
    )


def _row(site: Site, statistics: SiteStatistics, policy: str, shortage: str | None) -> FormatRow:
    error = None if shortage else statistics.int8_error(policy)
    return FormatRow(
        site=SiteRef(role=site.role, layer=site.layer, part=site.part),
        format="int8",
        granularity="per_tensor",
        policy=policy,
        threshold=error.threshold if error else None,
        convention=INT8_CONVENTION,
        sum_sq=error.sum_sq if error else None,
        err_sq=error.err_sq if error else None,
        count=error.count if error else 0,
        sqnr_db=error.sqnr_db if error else None,
        rel_rmse=error.rel_rmse if error else None,
        rel_mae=error.rel_mae if error else None,
        clip_rate=error.clip_rate if error else None,
        label=INT8_LABEL,
        reason=shortage or _reason(error),
    )


def _reason(error: Int8Error | None) -> str | None:
    """Why a row, or its SQNR, is null."""
    if error is None:
        return f"the {Split.CALIBRATION} split gives no threshold above zero"
    if error.sqnr_db is None:
        return "no error to take a ratio to" if error.sum_sq else "no value above zero to round"
    return None
