"""What the statistics of a site keep beside values: told by the site alone."""

from typing import TypedDict

from hubmaxact.measurement.anatomy.site import Site


class Kept(TypedDict):
    """Arguments of `SiteStatistics` by name."""

    num_experts: int | None
    is_linear_input: bool
    is_cached: bool


def kept_of(site: Site) -> Kept:
    """Tell what is kept.

    Args:
        site: Any that has statistics.

    Returns:
        Maxima of experts, of channels and blocks, and sums of squares, or not.
    """
    return Kept(
        num_experts=site.groups,
        is_linear_input=site.role == "linear_input",
        is_cached=site.num_heads is not None,
    )
