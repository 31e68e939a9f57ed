"""Every rule of the gate: the limit itself passes, beyond it fails, a null never passes."""

import copy

import example_reports
import pytest
from comparison.releases import first_release, second_release
from shipped_reports import own_code_report

from hubmaxact.gate.limits import Limits
from hubmaxact.gate.rules import outcomes


def only(limits, report, previous=None):
    (outcome,) = outcomes(limits, report, previous)
    return outcome


def without_m(report):
    report = copy.deepcopy(report)
    report["global_max"] = None
    return report


def with_rows(**changes):
    """The first release; its INT8 rows at M under max_abs changed."""
    report = first_release()
    for row in report["quantization"]["formats"]:
        if row["site"]["layer"] == 4 and row["policy"] == "max_abs":
            row.update(changes)
    return report


def test_no_limit_asks_nothing():
    assert outcomes(Limits(), example_reports.non_finite_report(), None) == ()
    assert not Limits()
    assert not Limits(require_complete=False)


@pytest.mark.parametrize(("limit", "passed"), [(7968.0, True), (7967.999, False), (1e9, True)])
def test_m_may_be_at_most_the_limit(limit, passed):
    outcome = only(Limits(max_abs=limit), first_release())
    assert (outcome.rule, outcome.passed) == ("max_abs", passed)
    assert (outcome.value, outcome.limit) == (7968.0, limit)
    assert outcome.detail.startswith("M is 7,968 in the hidden state of layer 4; the limit is ")


def test_a_gate_speaks_of_the_magnitude_of_a_negative_m():
    assert first_release()["global_max"]["value"] < 0
    assert not only(Limits(max_abs=1.0), first_release()).passed


def test_a_format_that_a_watched_tensor_exceeds_fails():
    passed, failed = outcomes(Limits(not_exceeding=("bfloat16", "float16")), second_release(), None)
    assert (passed.rule, passed.passed) == ("not_exceeding bfloat16", True)
    assert (failed.rule, failed.passed) == ("not_exceeding float16", False)
    assert (failed.value, failed.limit) == (696_320.0, 65_504.0)
    assert failed.detail == (
        "the largest watched |x| is 696,320 in the hidden state of layer 4; float16 ends at 65,504"
    )


def test_a_gate_tensor_beyond_fp16_fails_though_m_is_below():
    sites = [
        example_reports.site("hidden_state", 0, 12, width=64, place=(0, 0, 0, 0)),
        example_reports.site("mlp_gate", 0, 70_144, width=64, place=(0, 0, 0, 0)),
    ]
    report = example_reports.assemble(sites, num_layers=1, hidden_size=64)
    outcome = only(Limits(not_exceeding=("float16",)), report)
    assert not outcome.passed
    assert "70,144 in the MLP gate of layer 0" in outcome.detail


@pytest.mark.parametrize("below", [0.0, 1e-9, 5.0])
def test_sqnr_is_that_of_the_site_of_m_under_max_abs(below):
    report = first_release()
    (row,) = (
        r
        for r in report["quantization"]["formats"]
        if r["site"]["layer"] == 4 and r["policy"] == "max_abs"
    )
    outcome = only(Limits(min_sqnr_db={"int8": row["sqnr_db"] - below}), report)
    assert outcome.passed
    assert outcome.value == row["sqnr_db"]
    assert not only(Limits(min_sqnr_db={"int8": row["sqnr_db"] + 1e-9}), report).passed


def test_other_sites_do_not_decide():
    report = first_release()
    for row in report["quantization"]["formats"]:
        if row["site"]["layer"] != 4:
            row["sqnr_db"] = -50.0
    assert only(Limits(min_sqnr_db={"int8": 20.0}), report).passed


def test_a_policy_can_be_named():
    limits = Limits(min_sqnr_db={"int8": 10.0, "int8:max_abs": 10.0, "int8:clip_q0.999": 10.0})
    assert [o.passed for o in outcomes(limits, first_release(), None)] == [True, True, False]


def test_rows_of_one_format_and_policy_count_as_their_worst():
    report = with_rows(sqnr_db=30.0)
    (row,) = (r for r in report["quantization"]["formats"] if r["sqnr_db"] == 30.0)
    report["quantization"]["formats"].append(row | {"granularity": "per_channel", "sqnr_db": 5.0})
    assert only(Limits(min_sqnr_db={"int8": 20.0}), report).value == 5.0


@pytest.mark.parametrize("wanted", ["int9", "int8:median", "float8_e4m3fn", ":max_abs"])
def test_a_format_without_a_row_fails_and_the_rows_there_are_are_named(wanted):
    outcome = only(Limits(min_sqnr_db={wanted: -999.0}), first_release())
    assert not outcome.passed
    assert outcome.value is None
    assert f"no row of {wanted} at the site that carries M" in outcome.detail
    assert "(rows: int8:max_abs, int8:clip_q0.999); the limit is -999" in outcome.detail


def test_a_null_sqnr_fails_with_its_reason():
    outcome = only(Limits(min_sqnr_db={"int8": -999.0}), example_reports.few_samples_report())
    assert not outcome.passed
    assert "no value: the corpus has fewer texts than both splits need" in outcome.detail
    perfect = with_rows(sqnr_db=None, reason="no error to take a ratio to")
    assert "no error to take a ratio to" in only(Limits(min_sqnr_db={"int8": 1.0}), perfect).detail


def test_sqnr_at_a_site_with_nan_fails():
    report = first_release()
    for site in report["sites"]:
        if (site["role"], site["layer"]) == ("hidden_state", 4):
            site["num_nan"] = 1
    outcome = only(Limits(min_sqnr_db={"int8": -999.0}), report)
    assert not outcome.passed
    assert "held NaN or infinity" in outcome.detail


@pytest.mark.parametrize(("limit", "passed"), [(87.389, False), (696_320 / 7968, True)])
def test_the_ratio_to_an_earlier_report(limit, passed):
    outcome = only(Limits(max_ratio=limit), second_release(), first_release())
    assert outcome.passed is passed
    assert outcome.value == 696_320 / 7968
    assert outcome.detail.startswith("M is 696,320, 87.3")
    assert " times the 7,968 of the earlier report; the limit is 87.38" in outcome.detail


def test_an_earlier_report_without_m_fails():
    outcome = only(Limits(max_ratio=1e9), first_release(), without_m(second_release()))
    assert not outcome.passed
    assert "in the earlier report, no watched tensor held a finite value" in outcome.detail
    broken = only(Limits(max_ratio=1e9), first_release(), example_reports.non_finite_report())
    assert not broken.passed


def test_an_earlier_m_of_zero_fails_unless_m_is_zero_too():
    zero = first_release()
    zero["global_max"]["abs_max"] = 0.0
    assert not only(Limits(max_ratio=1e9), first_release(), zero).passed
    assert only(Limits(max_ratio=1.0), zero, zero).passed


BOUNDS = [
    Limits(max_abs=1e9),
    Limits(not_exceeding=("bfloat16",)),
    Limits(max_ratio=1e9),
]


@pytest.mark.parametrize("limits", BOUNDS, ids=range(len(BOUNDS)))
def test_nan_or_infinity_passes_no_bound(limits):
    outcome = only(limits, example_reports.non_finite_report(), first_release())
    assert not outcome.passed
    assert outcome.value is None
    assert outcome.detail.startswith(
        "2 watched tensors held NaN or infinity, so the largest finite value is no bound; the "
    )


@pytest.mark.parametrize(
    "limits", [*BOUNDS, Limits(min_sqnr_db={"int8": -999.0})], ids=range(len(BOUNDS) + 1)
)
def test_without_m_no_bound_passes(limits):
    outcome = only(limits, without_m(first_release()), first_release())
    assert not outcome.passed
    assert "no watched tensor held a finite value" in outcome.detail


def test_a_partial_report_keeps_its_bounds_and_says_so():
    outcome = only(Limits(max_abs=1e9), example_reports.partial_report())
    assert outcome.passed
    assert outcome.detail.endswith("(the report is partial: 1 expected tensor was never seen)")


@pytest.mark.parametrize(
    ("report", "passed", "detail"),
    [
        (first_release, True, "the report is complete"),
        (example_reports.partial_report, False, "1 expected tensor was never seen"),
        (example_reports.non_finite_report, False, "2 watched tensors held NaN or infinity"),
    ],
)
def test_completeness(report, passed, detail):
    outcome = only(Limits(require_complete=True), report())
    assert (outcome.passed, outcome.detail, outcome.limit) == (passed, detail, "complete")


def test_own_code():
    said = "the checkpoint's own code was run (modeling_own.py)"
    for report, passed, detail in (
        (first_release, True, "no code of the checkpoint's own was run"),
        (own_code_report, False, said),
    ):
        outcome = only(Limits(no_remote_code=True), report())
        assert (outcome.passed, outcome.detail, outcome.limit) == (passed, detail, "none")


@pytest.mark.parametrize(
    ("value", "limit", "said"),
    [(20.83, 20.0, "20.83"), (19.99999, 20.0, "19.99999"), (20.0, 20.0, "20")],
)
def test_a_value_never_looks_like_the_limit_it_misses(value, limit, said):
    outcome = only(Limits(min_sqnr_db={"int8": limit}), with_rows(sqnr_db=value))
    assert f"SQNR is {said} dB" in outcome.detail
    assert outcome.passed is (value >= limit)


def test_a_hostile_format_or_reason_cannot_steer_the_terminal():
    report = with_rows(sqnr_db=None, reason="\x1b[31m\u202e", format="\x1b[2J")
    for wanted in ("int8\x1b]0;x\x07", "\x1b[2J"):
        assert only(Limits(min_sqnr_db={wanted: 1.0}), report).detail.isprintable()
