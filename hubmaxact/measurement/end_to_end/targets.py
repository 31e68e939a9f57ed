"""Which tensors a target stands for, and why they could not be rounded all."""

from collections.abc import Mapping, Sequence

from hubmaxact.deployed_formats import KV, LINEAR_INPUTS, RESIDUAL, DeployedFormat
from hubmaxact.measurement.anatomy.site import Anatomy, Point, Site
from hubmaxact.measurement.asked_rounding import AskedRounding
from hubmaxact.measurement.end_to_end.thresholds import threshold
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.printable import counted, printable

ROLES = {
    LINEAR_INPUTS: ("linear_input",),
    KV: ("key", "value"),
    RESIDUAL: ("hidden_state",),
}
NO_SITES = {
    LINEAR_INPUTS: "no linear map was found inside the layers",
    KV: "no layer hands keys or values to a cache",
    RESIDUAL: "no layer's output was found",
}


def sites_of(anatomy: Anatomy, target: str) -> tuple[Site, ...]:
    """Every tensor that is rounded.

    Args:
        anatomy: Of profile deployment.
        target: One of `deployed_formats.TARGETS`.

    Returns:
        Sites in site order, those that are another's tensor among them.
    """
    every = (*anatomy.sites, *anatomy.same)
    chosen = (site for site in every if site.role in ROLES[target])
    return tuple(sorted(chosen, key=lambda site: site.order))


def thresholds_of(
    anatomy: Anatomy,
    sites: Sequence[Site],
    statistics: Mapping[Site, SiteStatistics],
    way: DeployedFormat,
) -> dict[Site, float | None]:
    """What the calibration split gives each site.

    Args:
        anatomy: Tells which sites are one tensor.
        sites: Those that are rounded.
        statistics: Of what a measuring pass saw.
        way: How they are rounded.

    Returns:
        By site; None where the way takes none, or the split gives none.
    """
    found = dict[Site, float | None]()
    for site in sites:
        seen = statistics.get(anatomy.same.get(site, site))
        found[site] = None if seen is None else threshold(seen, way)
    return found


def why_not(
    anatomy: Anatomy, asked: AskedRounding, thresholds: Mapping[Site, float | None]
) -> str | None:
    """Tell why a target cannot be rounded whole, and so is not.

    Args:
        anatomy: Of profile deployment.
        asked: Target and way.
        thresholds: By site of the target.

    Returns:
        A sentence without its full stop; None where nothing stands in the way.
    """
    roles = ROLES[asked.target]
    unseen = [each for each in anatomy.missing if each.role in roles]
    if unseen:
        names = [each.module or f"layer {each.layer}" for each in unseen]
        return f"{_some(names)} cannot be watched, and so not be rounded: {unseen[0].reason}"
    if not thresholds:
        return NO_SITES[asked.target]
    odd = [site.module for site in thresholds if asked.target == RESIDUAL and not _is_output(site)]
    if odd:
        return f"the residual stream after {_some(odd)} is no module's output as it is"
    bare = [names_of(site)[0] for site, found in thresholds.items() if found is None]
    if asked.way.has_threshold and bare:
        return f"the calibration split gives no threshold above zero for {_some(bare)}"
    return None


def names_of(site: Site) -> tuple[str, ...]:
    """What must have been rounded for a site to be: its maps, or itself."""
    return site.maps or (f"{site.role} of {site.module}",)


def never_rounded(sites: Sequence[Site], done: set[str]) -> str | None:
    """Tell of what no pass came by, though all of a target was to be rounded.

    Args:
        sites: Of the target.
        done: Names of what was rounded.

    Returns:
        A sentence without its full stop; None where everything was.
    """
    left = [name for site in sites for name in names_of(site) if name not in done]
    return f"{_some(left)} was never rounded: no product with it was seen" if left else None


def _is_output(site: Site) -> bool:
    return site.point is Point.OUTPUT and site.factor == 1.0


def _some(names: Sequence[str]) -> str:
    """The first name, and how many follow."""
    first, rest = printable(names[0]), len(names) - 1
    return f"{first} (and {counted(rest, 'other')})" if rest else first
