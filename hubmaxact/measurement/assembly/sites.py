"""Sites, experts and coverage of a report, from a measurement."""

from hubmaxact.measurement.anatomy.site import Site
from hubmaxact.measurement.execution.forward import Measurement
from hubmaxact.measurement.statistics.distribution import QUANTILE_LEVELS, Distribution
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.measurement.statistics.top_values import Value
from hubmaxact.report.document import Coordinates, Massive, SiteFacts, TopValue

Seen = list[tuple[Site, SiteStatistics, Distribution]]


def seen_sites(measurement: Measurement) -> Seen:
    """Every site that fired, in site order, with its statistics over all splits."""
    recorded = measurement.recorder.sites
    ordered = sorted(recorded, key=lambda site: site.order)
    return [(site, recorded[site], recorded[site].distribution()) for site in ordered]


def coordinates(value: Value) -> Coordinates:
    """Where a value sits."""
    return Coordinates(
        sample=value.sample,
        token_position=value.position,
        token_id=value.token_id,
        channel=value.channel,
    )


def site_facts(site: Site, statistics: SiteStatistics, values: Distribution) -> SiteFacts:
    """One row of `sites[]`."""
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
        abs_quantiles={level: values.bins.abs_quantile(level) for level in QUANTILE_LEVELS},
        zero_fraction=values.zero_fraction,
        num_nan=values.num_nan,
        num_inf=values.num_inf,
        massive=Massive(
            num_tokens=statistics.massive.num_tokens, max_ratio=statistics.massive.max_ratio
        ),
        top=[TopValue(value=top.value, **coordinates(top)) for top in statistics.top.best],
    )
