"""Every site that one batch passes, against what a report says of it."""

from collections.abc import Collection, Sequence

from hubmaxact.formats import bf16_step
from hubmaxact.report.deployment import KeysAndValues, LinearInput
from hubmaxact.report.document import Report, SiteFacts
from hubmaxact.report.excess import OUTPUTS
from hubmaxact.report.watched_rows import watched_rows

STEPS_APART = 2  # bf16 steps allowed in another environment


def contradiction(
    claimed: Sequence[SiteFacts],
    found: Sequence[SiteFacts],
    samples: Collection[int],
    *,
    exact: bool,
) -> str | None:
    """Say why reported sites cannot be true, given what one batch showed of them.

    No site may exceed its reported maximum; reported values of these samples must be there.

    Args:
        claimed: The report's sites.
        found: What the batch showed.
        samples: The texts that are in it.
        exact: Whether bits must be equal, as in the same environment.

    Returns:
        The first site and what is wrong with it. None: nothing is.
    """
    by_site = {(site["role"], site["module"]): site for site in claimed}
    for site in found:
        # A large report leaves out updates that repeat what their blocks put out.
        roles = (site["role"], OUTPUTS.get(site["role"], ""))
        told = next(
            (by_site[r, site["module"]] for r in roles if (r, site["module"]) in by_site), None
        )
        if problem := _problem(told, site, samples, exact=exact):
            return f"{site['module']}: {problem}"
    return None


def beyond(
    report: Report,
    linear_inputs: Sequence[LinearInput],
    kv: Sequence[KeysAndValues],
    *,
    exact: bool,
) -> str | None:
    """Say why what a report of profile `deployment` holds beside its sites cannot be true.

    Args:
        report: Of any profile.
        linear_inputs: What one batch showed linear maps to read.
        kv: What it handed to the cache.
        exact: Whether bits must be equal, as in the same environment.

    Returns:
        The first tensor that exceeds its reported maximum, or that the report lacks. None: none.
    """
    claimed = {(row.role, row.module): row.abs_max for row in watched_rows(report)}
    batch: Report = {**report, "sites": [], "linear_inputs": [*linear_inputs], "kv": [*kv]}
    for row in watched_rows(batch):
        here, place = row.abs_max, (row.role, row.module)
        if place not in claimed:
            return f"{row.module}: no {row.role} of it is in the report"
        limit, slack = claimed[place], STEPS_APART * bf16_step(here) if here and not exact else 0.0
        if here is not None and (limit is None or here > limit + slack):
            return f"{row.module}: {row.role} report {limit}, here {here:g}"
    return _logits_beyond(report, kv, exact=exact)


def _logits_beyond(report: Report, kv: Sequence[KeysAndValues], *, exact: bool) -> str | None:
    """The first logit above a reported one of its kind; a bound says nothing against an exact."""
    claimed = {row["module"]: row["attention_logit"] for row in report.get("kv", ())}
    for row in kv:
        said, seen = claimed.get(row["module"]), row["attention_logit"]
        if not said or not seen or said["value"] is None or seen["value"] is None:
            continue
        here = seen["value"]
        slack = STEPS_APART * bf16_step(here) if here and not exact else 0.0
        if said["kind"] == seen["kind"] and here > said["value"] + slack:
            return f"{row['module']}: attention logit report {said['value']}, here {here:g}"
    return None


def _problem(
    told: SiteFacts | None, seen: SiteFacts, samples: Collection[int], *, exact: bool
) -> str | None:
    """Why a reported site cannot be true, given what one batch showed of it."""
    if told is None:
        return "not in the report"
    limit, here = told["abs_max"], seen["abs_max"]
    slack = STEPS_APART * bf16_step(here) if here and not exact else 0.0
    if here is not None and (limit is None or here > limit + slack):
        return f"report {limit}, here {here:g}"
    lost = [v for v in told["top"] if v["sample"] in samples and v not in seen["top"]]
    if exact and lost:
        return f"reported value {lost[0]['value']:g} of sample {lost[0]['sample']} is not there"
    return None
