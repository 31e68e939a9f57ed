"""What changed between releases of one model, and nothing between models."""

import copy

import example_reports
import pytest

from comparison.releases import first_release, inputs, second_release
from hubmaxact.comparison.build import compare_inputs
from hubmaxact.comparison.changes import same_model
from hubmaxact.report.summaries import ratio

LOCAL = {"id": None, "revision": None, "commit": None}


def only_change(*reports):
    (change,) = compare_inputs(inputs(*reports)).changes
    return change


def with_site(report, role, layer, value):
    """The report with another maximum at one site; M and roles left as they are."""
    report = copy.deepcopy(report)
    for site in report["sites"]:
        if (site["role"], site["layer"]) == (role, layer):
            site["abs_max"] = value
    return report


def test_two_releases_have_a_ratio_of_m():
    change = only_change(first_release(), second_release())
    assert (change.before, change.after) == ("A", "B")
    assert change.ratio == 696_320 / 7968
    assert not change.same_weights
    assert change.within_bf16_step is False


def test_roles_and_sites_have_their_ratios():
    change = only_change(first_release(), second_release())
    roles = {row.role: row.ratio for row in change.roles}
    assert roles["hidden_state"] == 696_320 / 7968
    assert roles["embedding"] == 1.0
    sites = {(s.role, s.layer): s.ratio for s in change.sites}
    assert sites["hidden_state", 3] == 1.0
    assert sites["hidden_state", 4] == 696_320 / 7968
    assert len(sites) == len(first_release()["sites"])


def test_a_carrier_that_stays_is_told_with_its_ties():
    carrier = only_change(first_release(), second_release()).carrier
    assert not carrier.moved
    assert not carrier.channel_moved
    assert (carrier.num_before, carrier.num_after, carrier.num_shared) == (6, 6, 6)


def test_a_carrier_that_moves_is_told():
    stream = example_reports.residual_stream(12, 2, -7968.0, 420)
    sites = example_reports.decoder_sites(12, 2560, stream)
    later = example_reports.assemble(sites, num_layers=12, hidden_size=2560)
    carrier = only_change(first_release(), later).carrier
    assert carrier.moved
    assert (carrier.num_before, carrier.num_after, carrier.num_shared) == (6, 8, 6)


def test_a_channel_that_moves_is_told():
    later = second_release()
    later["global_max"]["channel"] += 1
    carrier = only_change(first_release(), later).carrier
    assert carrier.channel_moved
    assert not carrier.moved


def test_movers_are_the_largest_factors_up_or_down_and_move_as_one():
    before = first_release()
    after = with_site(with_site(before, "mlp_gate", 2, 0.001), "attention_output", 5, 5000.0)
    for layer in (4, 5, 6):
        after = with_site(after, "hidden_state", layer, 9000.0)
    movers = only_change(before, after).movers
    assert [(m.role, m.layers) for m in movers] == [
        ("mlp_gate", (2,)),
        ("attention_output", (5,)),
        ("hidden_state", (4, 5, 6)),
    ]
    assert movers[2].ratio == 9000 / 7968


def test_from_zero_is_further_than_any_factor():
    before = with_site(first_release(), "mlp_gate", 3, 0.0)
    first, *_ = only_change(before, second_release()).movers
    assert (first.role, first.layers, first.before, first.ratio) == ("mlp_gate", (3,), 0.0, None)


def test_there_are_at_most_five_movers():
    later = first_release()
    for layer in range(12):
        later = with_site(later, "mlp_gate", layer, 1000.0 + layer)
    assert len(only_change(first_release(), later).movers) == 5


def test_nothing_moves_between_equal_reports():
    change = only_change(first_release(), first_release())
    assert change.same_weights
    assert change.ratio == 1.0
    assert change.movers == ()
    assert change.within_bf16_step


@pytest.mark.parametrize(("peak", "within"), [(-8000.0, True), (-8032.0, False)])
def test_one_bf16_step_is_told_from_a_real_move(peak, within):
    assert only_change(first_release(), second_release(peak)).within_bf16_step is within


def test_a_site_that_only_one_has_is_counted_and_not_taken_for_zero():
    change = only_change(
        example_reports.partial_report(), example_reports.dense_report(4, 2048, 61.0)
    )
    assert (change.num_only_before, change.num_only_after) == (0, 1)
    assert ("attention_output", 2) not in {(s.role, s.layer) for s in change.sites}


def test_layers_of_another_depth_have_no_counterpart():
    change = only_change(example_reports.dense_report(8, 64), example_reports.dense_report(12, 64))
    assert [s.role for s in change.sites] == ["embedding", "final_norm"]
    assert (change.num_only_before, change.num_only_after) == (8 * 4, 12 * 4)
    assert change.movers == ()


def test_a_null_has_no_ratio():
    change = only_change(
        example_reports.dense_report(4, 2048, 61.0), example_reports.non_finite_report()
    )
    (norm,) = (site for site in change.sites if site.role == "final_norm")
    assert (norm.after, norm.ratio) == (None, None)
    assert all(mover.role != "final_norm" for mover in change.movers)


def test_without_m_there_is_no_ratio_and_no_carrier():
    broken = second_release()
    broken["global_max"] = None
    change = only_change(first_release(), broken)
    assert (change.ratio, change.within_bf16_step, change.carrier) == (None, None, None)


def test_models_of_another_shape_or_family_have_no_changes():
    other = {"id": "org/other"}
    for report in (
        example_reports.dense_report(13, 2560, model=other),
        example_reports.dense_report(12, 64, model=other),
        first_release(model={**other, "family": "Llama"}),
    ):
        assert compare_inputs(inputs(first_release(), report)).changes == ()


def test_one_family_and_shape_is_one_model_whatever_its_id():
    base = first_release(model={"id": "org/base", "stage": "base"})
    assert same_model(base, second_release())
    local = first_release(model={**LOCAL, "family": None})
    assert same_model(local, second_release(model={**LOCAL, "family": None}))
    assert not same_model(local, second_release(model={"family": None, "model_type": "llama"}))


def test_each_release_is_held_against_the_last_one_before_it():
    other = example_reports.moe_report(12)
    reports = (first_release(), other, second_release(), second_release(4000.0))
    pairs = [(c.before, c.after) for c in compare_inputs(inputs(*reports)).changes]
    assert pairs == [("A", "C"), ("C", "D")]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(2.0, 3.0, 1.5), (0.0, 0.0, 1.0), (0.0, 3.0, None), (3.0, 0.0, 0.0), (None, 3.0, None)],
)
def test_a_ratio_divides_by_nothing_but_a_value(before, after, expected):
    assert ratio(before, after) == expected
