"""Sites, experts and coverage of a report, from a measurement."""

from collections import Counter
from collections.abc import Sequence
from typing import cast

from hubmaxact.anatomy.site import Missing, Site
from hubmaxact.measure import Measurement
from hubmaxact.report.document import (
    Coordinates,
    Coverage,
    ExpertMax,
    Experts,
    ExpertTokens,
    Massive,
    MissingSite,
    RoleCoverage,
    SiteFacts,
    TopValue,
)
from hubmaxact.roles import ROLES, site_order
from hubmaxact.stats.distribution import QUANTILE_LEVELS, Distribution
from hubmaxact.stats.site import SiteStatistics
from hubmaxact.stats.tokens import Value

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


def experts(measurement: Measurement) -> list[Experts]:
    """Routing per layer; experts that no token reached are listed."""
    recorded = measurement.recorder.expert_maxima.items()
    maxima = {site.layer: per_expert.tolist() for site, per_expert in recorded}
    return [
        Experts(
            layer=layer,
            num_experts=len(counts),
            tokens=ExpertTokens(
                least=min(counts), median=sorted(counts)[(len(counts) - 1) // 2], most=max(counts)
            ),
            never_routed=[expert for expert, count in enumerate(counts) if count == 0],
            mlp_gate=_expert_max(maxima.get(layer, [])),
        )
        for layer, tensor in sorted(measurement.recorder.routed.items())
        for counts in [tensor.tolist()]
    ]


def _expert_max(maxima: Sequence[float]) -> ExpertMax | None:
    """The largest, and the first expert that has it; None where no gate was watched or finite."""
    largest = max(maxima, default=-1.0)
    return ExpertMax(abs_max=largest, expert=maxima.index(largest)) if largest >= 0 else None


def coverage(measurement: Measurement) -> Coverage:
    """Per role what the structure promises, what fired, and what is absent by design."""
    missing = sorted(measurement.missing, key=lambda m: site_order(m.role, m.layer, m.part))
    anatomy = measurement.anatomy
    fired = Counter(site.role for site in measurement.recorder.sites)
    lost = Counter(site.role for site in missing)
    roles = {
        role.name: RoleCoverage(
            expected=fired[role.name] + lost[role.name],
            fired=fired[role.name],
            absent=anatomy.absent[role.name],
        )
        for role in ROLES
    }
    rows = [_missing(site) for site in missing]
    return cast("Coverage", {**roles, "missing": rows})


def _missing(site: Missing) -> MissingSite:
    return MissingSite(
        role=site.role, layer=site.layer, part=site.part, module=site.module, reason=site.reason
    )
