"""What a schema cannot say: sums, maxima and orders that must agree within one report.

A rule takes a report of the right shape and yields what contradicts itself, with both values.
Adding a rule is adding a row.
"""

from collections.abc import Callable, Iterator

from hubmaxact.report.consistency import coverage, formats, maxima, protocol, sites
from hubmaxact.report.document import Report
from hubmaxact.report.problem import Problem

Rule = Callable[[Report], Iterator[Problem]]

RULES: tuple[Rule, ...] = (
    protocol.domains_add_up,
    protocol.tokens_fit_samples,
    protocol.parameters_nest,
    sites.are_distinct,
    sites.lie_in_the_model,
    sites.counts_nest,
    sites.nulls_mean_nothing_finite,
    sites.moments_agree,
    sites.quantiles_ascend,
    sites.top_agrees,
    sites.coordinates_exist,
    sites.massive_tokens_are_massive,
    sites.values_lie_on_the_grid,
    coverage.status_agrees,
    coverage.counts_agree,
    coverage.missing_lies_in_the_model,
    maxima.global_max_is_the_largest,
    maxima.carriers_are_the_ties,
    maxima.first_carrier_is_named,
    maxima.roles_agree,
    maxima.domains_agree,
    formats.headroom_agrees,
    formats.rows_have_sites,
    formats.errors_agree,
    formats.splits_exist,
    protocol.routing_agrees,
    protocol.subsets_agree,
)


def contradictions(report: Report) -> Iterator[Problem]:
    """Yield everything in a schema-valid report that contradicts something else in it."""
    for rule in RULES:
        yield from rule(report)
