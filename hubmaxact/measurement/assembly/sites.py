"""The report's `sites`: a row for each tensor that fired."""

from collections.abc import Mapping

from hubmaxact.measurement.anatomy.site import Anatomy, Site
from hubmaxact.measurement.execution.recorder import Recorded
from hubmaxact.measurement.statistics.site_result import SiteResult
from hubmaxact.measurement.statistics.top_values import Value
from hubmaxact.report.document import Coordinates, Massive, SiteFacts, TopValue
from hubmaxact.report.roles import ROLE_BY_NAME

Seen = Mapping[Site, SiteResult]
"""Every site that fired, in site order."""


def under_each_role(recorded: Recorded, anatomy: Anatomy) -> Seen:
    """What every site shows, a tensor under each role that it plays, in site order."""
    also = {
        site: recorded.sites[other]
        for site, other in anatomy.same.items()
        if other in recorded.sites
    }
    seen = {**recorded.sites, **also}
    return {site: seen[site] for site in sorted(seen, key=lambda site: site.order)}


def site_rows(seen: Seen) -> list[SiteFacts]:
    """The rows of `sites[]`."""
    return [
        site_facts(site, result)
        for site, result in seen.items()
        if ROLE_BY_NAME[site.role].rows == "sites"
    ]


def coordinates(value: Value) -> Coordinates:
    """Where a value sits."""
    return Coordinates(
        sample=value.sample,
        token_position=value.position,
        token_id=value.token_id,
        channel=value.channel,
    )


def site_facts(site: Site, result: SiteResult) -> SiteFacts:
    """One row of `sites[]`."""
    values, massive = result.values, result.massive
    assert massive is not None
    return SiteFacts(
        role=site.role,
        layer=site.layer,
        part=site.part,
        module=site.module,
        count=values.count,
        min=values.min,
        max=values.max,
        abs_max=values.abs_max,
        mean=values.mean,
        std=values.std,
        rms=values.rms,
        abs_mean=values.abs_mean,
        abs_quantiles=values.bins.abs_quantiles(),
        zero_fraction=values.zero_fraction,
        num_nan=values.num_nan,
        num_inf=values.num_inf,
        massive=Massive(num_tokens=massive.num_tokens, max_ratio=massive.max_ratio),
        top=[TopValue(value=top.value, **coordinates(top)) for top in result.top],
    )
