"""The report's `coverage`: what the structure promises, what fired, what is missing."""

from collections import Counter
from typing import cast

from hubmaxact.measurement.anatomy.site import Missing
from hubmaxact.measurement.execution.forward import Measurement
from hubmaxact.report.document import (
    Coverage,
    MissingSite,
    RoleCoverage,
)
from hubmaxact.report.roles import Profile, site_order, watched_under


def coverage(measurement: Measurement, profile: Profile) -> Coverage:
    """Per role what the structure promises, what fired, and what is absent by design."""
    missing = sorted(measurement.missing, key=lambda m: site_order(m.role, m.layer, m.part))
    anatomy = measurement.anatomy
    fired = Counter(site.role for site in measurement.fired)
    lost = Counter(site.role for site in missing)
    roles = {
        role.name: RoleCoverage(
            expected=fired[role.name] + lost[role.name],
            fired=fired[role.name],
            absent=anatomy.absent[role.name],
        )
        for role in watched_under(profile)
    }
    rows = [_missing(site) for site in missing]
    return cast("Coverage", {**roles, "missing": rows})


def _missing(site: Missing) -> MissingSite:
    return MissingSite(
        role=site.role, layer=site.layer, part=site.part, module=site.module, reason=site.reason
    )
