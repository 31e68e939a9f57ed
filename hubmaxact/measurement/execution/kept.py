"""What the statistics of a site keep beside values: told by the site and the run's options."""

from typing import TypedDict

from hubmaxact.measurement.anatomy.site import Site


class Kept(TypedDict):
    """Arguments of `SiteStatistics` by name."""

    num_experts: int | None
    is_linear_input: bool
    is_cached: bool
    sums_format_errors: bool


def kept_of(site: Site, *, format_errors: bool) -> Kept:
    """Tell what is kept.

    Args:
        site: Any that has statistics.
        format_errors: Whether errors of formats are summed in the pass, where there are any.

    Returns:
        Maxima of experts, of channels and blocks, sums of squares and of errors, or not.
    """
    is_linear_input = site.role == "linear_input"
    return Kept(
        num_experts=site.groups,
        is_linear_input=is_linear_input,
        is_cached=site.num_heads is not None,
        sums_format_errors=format_errors and is_linear_input,
    )
