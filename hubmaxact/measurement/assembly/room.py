"""A report of a large model made to fit: what is told last is left out first."""

import copy
from collections.abc import Callable

from hubmaxact.formats import INT8_POLICIES
from hubmaxact.report.document import MOST_MEASURED_BYTES, Report, RoleCoverage, SiteFacts
from hubmaxact.report.excess import OUTPUTS, tell_excesses
from hubmaxact.report.json_layout import layout
from hubmaxact.report.roles import ROLE_BY_NAME
from hubmaxact.report.row_fields import field, fields
from hubmaxact.report.summaries import shown_int8_rows


def fitted(report: Report) -> Report:
    """Return the report as it is, or with as little left out as makes it fit.

    Left out are, in this order, all but the largest value of rows outside M; quantiles of blocks;
    all but the worst tensor of pooled rows; the maxima of single experts; all but the largest value
    of every row; rows of updates that repeat those of their blocks' own outputs, whose layers are
    then counted as having none; quantiles of rows outside M, then of all; quantiles of linear
    inputs; where the largest value of a row outside M stands, but for its role's largest; INT8
    rows that no figure is told of; moments of rows outside M; and the maxima of single heads. None
    of it is needed to read the rest, and every tensor keeps its maximum.

    Args:
        report: Whole.

    Returns:
        The same if it fits; else a copy.
    """
    if _size(report) <= MOST_MEASURED_BYTES:
        return report
    shorter = copy.deepcopy(report)
    for leave_out in LEFT_OUT:
        leave_out(shorter)
        if _size(shorter) <= MOST_MEASURED_BYTES:
            break
    return shorter


def _size(report: Report) -> int:
    return len(layout(report, is_tight=True))


def _blocks(report: Report) -> None:
    for row in report.get("linear_inputs", ()):
        row["block_max_quantiles"] = None


def _all_but_the_worst(report: Report) -> None:
    for row in report["quantization"].get("pooled", ()):
        del row["worst"][1:]


def _single_experts(report: Report) -> None:
    for row in report["experts"]:
        for maxima in (row.get("input"), row.get("down_input")):
            if maxima is not None:
                maxima["per_expert"] = None


def _beside_m(report: Report) -> None:
    for site in _outside_m(report):
        del site["top"][1:]


def _everywhere(report: Report) -> None:
    for site in report["sites"]:
        del site["top"][1:]


def _repeated_updates(report: Report) -> None:
    outputs = {_tensor(site): site for site in report["sites"]}
    for role, output in OUTPUTS.items():
        repeated = [
            site
            for site in report["sites"]
            if site["role"] == role and (output, *_tensor(site)[1:]) in outputs
        ]
        report["sites"] = [site for site in report["sites"] if site not in repeated]
        counts: RoleCoverage = field(report["coverage"], role)
        counts["expected"] -= len(repeated)
        counts["fired"] -= len(repeated)
        counts["absent"] += len({site["layer"] for site in repeated})
        if not any(site["role"] == role for site in report["sites"]):
            report["max_by_role"].pop(role, None)
    tell_excesses(report)


def _quantiles_beside_m(report: Report) -> None:
    for site in _outside_m(report):
        site["abs_quantiles"] = None


def _quantiles_of_sites(report: Report) -> None:
    for site in report["sites"]:
        site["abs_quantiles"] = None


def _quantiles_of_inputs(report: Report) -> None:
    for row in report.get("linear_inputs", ()):
        row["abs_quantiles"] = None


def _places_beside_m(report: Report) -> None:
    peaks = {role: abs(row["value"]) for role, row in report["max_by_role"].items()}
    for site in _outside_m(report):
        if site["abs_max"] != peaks.get(site["role"]):
            site["top"] = []


def _int8_rows(report: Report) -> None:
    kept = [row for policy in INT8_POLICIES for row in shown_int8_rows(report, policy)]
    rows = report["quantization"]["formats"]
    report["quantization"]["formats"] = [row for row in rows if row in kept]


def _moments_beside_m(report: Report) -> None:
    for site in _outside_m(report):
        site["mean"] = site["std"] = site["rms"] = site["abs_mean"] = site["zero_fraction"] = None


def _single_heads(report: Report) -> None:
    for row in report.get("kv", ()):
        row["key"]["per_head"] = row["value"]["per_head"] = None


def _outside_m(report: Report) -> list[SiteFacts]:
    return [site for site in report["sites"] if not ROLE_BY_NAME[site["role"]].in_global_max]


def _tensor(site: SiteFacts) -> tuple[object, ...]:
    """A role, and what tells whether two rows are of one tensor."""
    same = ("layer", "module", "count", "min", "max", "rms")
    return (site["role"], *fields(site, same).values())


LEFT_OUT: tuple[Callable[[Report], None], ...] = (
    _beside_m,
    _blocks,
    _all_but_the_worst,
    _single_experts,
    _everywhere,
    _repeated_updates,
    _quantiles_beside_m,
    _quantiles_of_sites,
    _quantiles_of_inputs,
    _places_beside_m,
    _int8_rows,
    _moments_beside_m,
    _single_heads,
)
