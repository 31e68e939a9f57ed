"""The paper's findings come out of the paper's values, and only what is comparable is compared."""

import math

import pytest

from hubmaxact.catalog import findings
from hubmaxact.catalog.rank_correlation import spearman
from hubmaxact.catalog.row import EMPTY
from hubmaxact.catalog.sources import paper

ALL = paper.rows()
MAIN = [row for row in ALL if row["in_paper_main"]]


def row(key, abs_max=10.0, **columns):
    """A measured row of protocol p."""
    known = {"key": key, "name": key, "source": "measured", "trust": "current"}
    known |= {"status": "complete", "abs_max": abs_max, "protocol_key": "p"}
    known |= {"carrier_role": "hidden_state", "tied_roles": ["hidden_state"]}
    return EMPTY | known | columns


def names(pairs):
    return [(pair.first["name"], pair.second["name"]) for pair in pairs]


def test_there_are_27_checkpoints_and_24_in_the_main_analysis():
    assert (len(ALL), len(MAIN)) == (27, 24)


def test_m_spans_nearly_four_orders_of_magnitude():
    found = findings.span(MAIN)
    assert round(found.orders_of_magnitude, 2) == 3.76
    assert (found.smallest["name"], found.largest["name"]) == ("Qwen3.5-0.8B", "gemma-3-27b-it")
    assert (found.num_reports, found.num_protocols) == (24, 1)


def test_22_of_24_peaks_lie_in_the_residual_stream_and_23_with_the_tie():
    found = findings.carriers(MAIN)
    assert (found.residual, found.residual_with_ties, found.num_reports) == (22, 23, 24)
    assert found.by_role == {"hidden_state": 22, "mlp_output": 1, "final_norm": 1}


def test_the_two_matched_pairs_give_the_papers_ratios():
    found = findings.moe_against_dense(MAIN)
    assert names(found.pairs) == [
        ("Qwen3-32B", "Qwen3-30B-A3B"),
        ("Qwen3.5-27B", "Qwen3.5-35B-A3B"),
    ]
    assert [round(pair.ratio, 1) for pair in found.pairs] == [23.4, 14.0]
    assert found.num_reports == 4


def test_base_and_instruct_are_paired_by_shape():
    found = findings.base_against_tuned(ALL)
    ratios = {pair.first["name"]: round(pair.ratio, 3) for pair in found.pairs}
    assert ratios == {"Qwen2.5-32B": 1.393, "Qwen2.5-1.5B": 1.0, "Qwen2.5-7B": 0.995}
    assert found.num_reports == 6
    assert findings.base_against_tuned(MAIN).num_reports == 0


def test_the_training_run_is_in_the_order_of_its_tokens():
    found = findings.training_stages(MAIN)
    (run,) = found.runs
    assert [row["abs_max"] for row in run] == [7648, 9024, 10112, 11776]
    assert found.num_reports == 4


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("int8_max_abs_sqnr_db", 0.12),
        ("int8_max_abs_rel_mae", 0.67),
        ("int8_clip_sqnr_db", -0.55),
        ("int8_clip_rel_mae", 0.81),
    ],
)
def test_m_is_hardly_correlated_with_sqnr(column, value):
    found = findings.peak_against_error(ALL, column)
    assert round(found.value, 2) == value
    assert found.num_reports == 8


def test_no_rows_are_no_finding_and_no_error():
    assert findings.span([]).orders_of_magnitude is None
    assert findings.carriers([]).residual == 0
    assert findings.moe_against_dense([]).pairs == ()
    assert findings.base_against_tuned([]).pairs == ()
    assert findings.training_stages([]).runs == ()
    assert findings.peak_against_error([]).value is None
    assert findings.span([]).num_reports == findings.span([]).num_protocols == 0


def test_copies_partial_reports_and_those_without_m_carry_no_finding():
    rows = [
        row("a"),
        row("b", trust="copied"),
        row("c", status="partial"),
        row("d", status="non_finite"),
        row("e", abs_max=None),
        row("f", abs_max=0.0),
    ]
    assert findings.carriers(rows).num_reports == 1
    assert findings.span(rows).orders_of_magnitude == 0


def test_protocols_are_counted_where_rows_are_pooled_and_never_mixed_in_pairs():
    family = {"family": "F", "size": 10**9}
    dense = row("dense", 100.0, architecture="dense", **family)
    moe = row("moe", 10.0, architecture="moe", **family)
    elsewhere = moe | {"protocol_key": "q"}
    assert names(findings.moe_against_dense([dense, moe]).pairs) == [("dense", "moe")]
    assert findings.moe_against_dense([dense, elsewhere]).pairs == ()
    assert findings.span([dense, elsewhere]).num_protocols == 2
    assert findings.span([*MAIN, dense]).num_protocols == 2


def test_a_mixture_is_held_against_the_nearest_dense_release_of_its_family_only():
    moe = row("moe", 10.0, architecture="moe", family="F", size=30)
    dense = [
        row("8", architecture="dense", family="F", size=8),
        row("27", architecture="dense", family="F", size=27),
        row("32", 50.0, architecture="dense", family="F", size=32),
        row("30", architecture="dense", family="G", size=30),
        row("none", architecture="dense", family="F", size=None),
    ]
    (pair,) = findings.moe_against_dense([moe, *dense]).pairs
    assert (pair.first["name"], pair.ratio) == ("32", 5.0)
    assert findings.moe_against_dense([moe, dense[0]]).pairs == ()


def test_a_tuned_release_that_names_its_base_is_held_against_that_one_alone():
    alike = {"family": "F", "size": 8, "num_layers": 2, "hidden_size": 4}
    rows = [
        row("org/base", 20.0, stage="base", repo_id="org/base", **alike),
        row("org/other", stage="base", repo_id="org/other", **alike),
        row("org/it", stage="instruct", base_model="org/base", **alike),
        row("org/lost", stage="instruct", base_model="org/gone", **alike),
    ]
    found = findings.base_against_tuned(rows)
    assert names(found.pairs) == [("org/base", "org/it")]
    assert found.pairs[0].ratio == 2.0


@pytest.mark.parametrize(
    ("first", "second", "value"),
    [
        ([1, 2, 3], [10, 20, 30], 1.0),
        ([1, 2, 3], [30, 20, 10], -1.0),
        ([1, 2, 2, 3], [1, 3, 2, 4], 4.5 / math.sqrt(4.5 * 5)),
        ([1, 1, 2, 2], [1, 2, 1, 2], 0.0),
        ([5, 5, 5], [1, 2, 3], None),
        ([1], [1], None),
        ([], [], None),
    ],
)
def test_ranks_are_correlated_with_ties_sharing_their_average(first, second, value):
    assert spearman(first, second) == (value if value is None else pytest.approx(value, abs=1e-15))


def test_series_of_two_lengths_are_a_mistake():
    with pytest.raises(ValueError, match="one length, got 2 and 1"):
        spearman([1, 2], [1])
