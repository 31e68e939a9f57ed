"""What a schema cannot say: sums, maxima and orders that must agree within one report.

A rule takes a report of the right shape and yields what contradicts itself, with both values.
Adding a rule is adding a row. A rule may only refuse what no measurement can give.
"""

from collections.abc import Callable, Iterator

from hubmaxact.report.consistency import (
    by_position,
    checkpoint,
    coverage,
    deployment,
    end_to_end,
    formats,
    int8,
    maxima,
    pooled,
    protocol,
    quantization,
    routing,
    sites,
    stability,
    text_maxima,
    values,
)
from hubmaxact.report.document import Report
from hubmaxact.report.problem import Problem

Rule = Callable[[Report], Iterator[Problem]]

RULES: tuple[Rule, ...] = (
    protocol.domains_add_up,
    protocol.tokens_fit_samples,
    protocol.known_corpora_are_themselves,
    protocol.special_tokens_agree,
    protocol.wide_runs_are_rounded,
    protocol.products_fit_the_format,
    checkpoint.files_are_weights,
    checkpoint.parameters_nest,
    checkpoint.provenance_agrees,
    sites.are_distinct,
    sites.lie_in_the_model,
    sites.are_in_order,
    sites.layers_have_modules_of_their_own,
    sites.counts_nest,
    values.nulls_mean_nothing_finite,
    values.quantiles_are_there,
    values.moments_agree,
    values.quantiles_ascend,
    values.zeros_agree,
    values.ratios_are_possible,
    sites.top_agrees,
    sites.coordinates_exist,
    sites.massive_tokens_are_massive,
    values.values_lie_on_the_grid,
    deployment.profile_says_what_is_there,
    deployment.linear_inputs_are_in_order,
    deployment.linear_inputs_agree,
    deployment.cached_heads_agree,
    deployment.expert_maxima_agree,
    deployment.deployed_values_lie_on_the_grid,
    deployment.sidecars_are_named_once,
    coverage.status_agrees,
    coverage.counts_agree,
    coverage.missing_lies_in_the_model,
    coverage.missing_was_not_seen,
    coverage.embedding_and_norm_are_counted,
    coverage.layers_add_up,
    coverage.gates_lie_in_blocks,
    maxima.global_max_is_the_largest,
    maxima.carriers_are_the_ties,
    maxima.first_carrier_is_named,
    maxima.roles_agree,
    maxima.domains_agree,
    maxima.texts_have_maxima,
    maxima.batch_was_planned,
    formats.headroom_agrees,
    formats.excesses_agree,
    quantization.rows_are_of_a_known_kind,
    quantization.rows_have_sites,
    quantization.sites_have_rows,
    quantization.errors_agree,
    quantization.splits_exist,
    int8.thresholds_lie_within,
    int8.nothing_comes_from_nothing,
    int8.sums_fit_the_site,
    int8.errors_are_bounded,
    int8.clipping_agrees,
    int8.policies_see_the_same,
    pooled.pooled_is_told_whole,
    pooled.pooled_rows_are_the_tables,
    pooled.pooled_rows_are_of_these_tensors,
    pooled.pooled_nulls_mean_nothing_pooled,
    pooled.pooled_errors_are_bounded,
    pooled.worst_tensors_are_the_reports,
    end_to_end.losses_were_asked_for,
    end_to_end.rounded_rows_are_of_a_known_kind,
    end_to_end.rounded_rows_agree,
    routing.routing_agrees,
    routing.loads_fit_the_corpus,
    routing.experts_that_ran_are_counted,
    routing.expert_gates_agree,
    stability.empty_needs_a_reason,
    stability.subsets_agree,
    text_maxima.text_maxima_agree_with_m,
    text_maxima.first_tokens_agree,
    text_maxima.text_maxima_agree,
    by_position.positions_double,
    by_position.positions_agree_with_texts,
    by_position.positions_that_reach_m,
    by_position.positions_hold_what_is_shown,
)


def contradictions(report: Report) -> Iterator[Problem]:
    """Yield everything in a schema-valid report that contradicts something else in it."""
    for rule in RULES:
        yield from rule(report)
