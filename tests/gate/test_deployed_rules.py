"""Rules on deployed formats: pooled errors, the cache's range, the loss; never without them."""

import deployed_reports
import example_reports
import pytest
from pooled_reports import OFF, find, nothing_known, pooled_report, with_loss

from hubmaxact.gate.limits import Limits, limits
from hubmaxact.gate.rules import outcomes

LOSS = ("linear_inputs", "int8/per_token/dynamic", (0.012, 0.006, 0.02))
CACHE_LOSS = ("kv", "float8_e4m3fn/per_tensor/unscaled", (0.2, 0.1, 0.3))
NO_LOSS = ("residual", "int8/per_tensor/max_abs", None, "the checkpoint has no lm_head")


def only(asked, report):
    (outcome,) = outcomes(asked, report, None)
    return outcome


def sqnr(name, least_db, report):
    return only(Limits(min_sqnr_db={name: least_db}), report)


@pytest.mark.parametrize(
    ("name", "row", "kind"),
    [
        ("int8/per_token", "int8/per_token/dynamic", "linear_input"),
        ("int8/per_tensor", "int8/per_tensor/max_abs", "linear_input"),
        ("int8/per_tensor/mse", "int8/per_tensor/mse", "linear_input"),
        ("fp8_e4m3/block_128", "float8_e4m3fn/block_128/dynamic", "linear_input"),
        ("nvfp4/block_16", "nvfp4/block_16/max_abs", "linear_input"),
        ("fp8_e4m3/per_tensor/unscaled@key", "float8_e4m3fn/per_tensor/unscaled", "key"),
        ("int8/per_tensor@value", "int8/per_tensor/max_abs", "value"),
    ],
)
def test_the_sqnr_of_all_tensors_of_a_kind_is_held_to_a_limit(name, row, kind):
    report = pooled_report()
    found = find(report, row, kind)["sqnr_db"]
    kept, broken = sqnr(name, found, report), sqnr(name, found + 1e-9, report)
    assert (kept.passed, kept.value, kept.rule) == (True, found, f"min_sqnr_db {name}")
    assert not broken.passed


def test_the_tensor_that_is_rounded_worst_is_named():
    said = sqnr("int8/per_token", 35.0, pooled_report()).detail
    assert said == (
        "SQNR is 31.08 dB over 72 tensors, 22.9 dB in model.layers.15.mlp.down_proj; the limit is "
        "35 dB"
    )


def test_the_tensor_that_is_rounded_worst_may_be_what_is_held_to_the_limit():
    report = pooled_report()
    lowest = find(report, "int8/per_token/dynamic")["worst"][0]["sqnr_db"]
    assert sqnr("lowest:int8/per_token", lowest, report).passed
    broken = sqnr("lowest:int8/per_token", 30.0, report)
    assert (broken.passed, broken.value) == (False, lowest)
    assert broken.detail.endswith(
        " dB in model.layers.15.mlp.down_proj, the lowest of 72 tensors; the limit is 30 dB"
    )
    value = find(report, "int8/per_tensor/max_abs", "value")["worst"][0]["sqnr_db"]
    assert sqnr("lowest:int8/per_tensor@value", value, report).value == value
    assert not sqnr("lowest:int8/per_token", -999.0, example_reports.dense_report()).passed


def test_nothing_else_stands_before_a_way_of_rounding():
    outcome = sqnr("loudest:int8/per_token", -999.0, pooled_report())
    assert not outcome.passed
    assert outcome.detail.startswith("no row of loudest:int8/per_token (rows: ")


def test_a_row_without_a_value_fails_with_its_reason():
    report = pooled_report(lambda report: nothing_known(find(report, "int8/per_token/dynamic")))
    outcome = sqnr("int8/per_token", 0.0, report)
    assert (outcome.passed, outcome.value) == (False, None)
    assert outcome.detail == f"no value: {OFF}; the limit is 0"


def test_what_is_not_there_fails_and_what_is_there_is_named():
    missing = sqnr("int8/per_channel", 0.0, pooled_report())
    assert not missing.passed
    assert missing.detail.startswith("no row of int8/per_channel (rows: int8/per_tensor/max_abs, ")
    assert "is no kind of tensor" in sqnr("int8/per_token@gate", 0.0, pooled_report()).detail
    earlier = deployed_reports.deployment_report()
    for older in (example_reports.dense_report(), earlier):
        assert sqnr("int8/per_token", 0.0, older).detail.startswith(
            "no row of int8/per_token (rows: none)"
        )


def test_the_diagnostic_keeps_its_name():
    outcome = sqnr("int8", 0.0, pooled_report())
    assert outcome.passed
    assert "which carries M" in outcome.detail


def cache(report, number_format="float8_e4m3fn"):
    return only(Limits(cache_not_exceeding=(number_format,)), report)


def test_no_key_or_value_may_exceed_a_cache_without_scales():
    kept = cache(pooled_report())
    assert (kept.passed, kept.value, kept.limit) == (True, 103.5, 448.0)
    broken = cache(deployed_reports.deployment_report())
    assert (broken.passed, broken.value) == (False, 600.0)
    assert broken.detail == ("the largest |key| is 600 in layer 0; float8_e4m3fn ends at 448")
    assert cache(deployed_reports.deployment_report(), "float8_e5m2").passed


def test_a_cache_that_was_not_seen_whole_fails():
    assert "no keys and values" in cache(example_reports.dense_report()).detail

    def broken(report):
        report["kv"][1]["value"]["num_inf"] = 2

    assert cache(pooled_report(broken)).detail.startswith("1 key or value tensor held NaN")

    def lost(report):
        row = {"role": "key", "layer": 3, "part": None, "module": None, "reason": "never fired"}
        report["coverage"]["missing"].append(row)

    outcome = cache(pooled_report(lost))
    assert not outcome.passed
    assert outcome.detail.endswith("(1 key or value never seen)")


def loss(name, most):
    report = with_loss(pooled_report(), LOSS, CACHE_LOSS, NO_LOSS)
    return only(Limits(max_loss_change={name: most}), report)


def test_the_loss_is_held_to_the_upper_end_of_its_interval():
    assert loss("int8/per_token", 0.02).passed
    broken = loss("linear_inputs:int8/per_token", 0.0199)
    assert (broken.passed, broken.value) == (False, 0.02)
    assert broken.detail == (
        "loss changes by +0.012 nats a token, at most by 0.02; the limit is 0.0199"
    )
    assert loss("kv:fp8_e4m3/per_tensor/unscaled", 0.3).passed


def test_a_loss_that_was_not_measured_fails():
    assert "no value: the checkpoint has no lm_head" in loss("residual:int8/per_tensor", 9.0).detail
    assert loss("nvfp4/block_16", 9.0).detail.startswith("no run with rounding of nvfp4/block_16")
    nothing = only(Limits(max_loss_change={"int8/per_token": 9.0}), pooled_report())
    assert "(runs: none)" in nothing.detail


def test_rules_come_in_a_fixed_order():
    asked = limits(
        {
            "max_loss_change": {"int8/per_token": 1.0},
            "min_sqnr_db": {"int8/per_token": 1.0, "int8": 1.0},
            "cache_not_exceeding": ["fp8_e4m3"],
        }
    )
    assert [each.rule for each in outcomes(asked, pooled_report(), None)] == [
        "cache_not_exceeding float8_e4m3fn",
        "min_sqnr_db int8",
        "min_sqnr_db int8/per_token",
        "max_loss_change int8/per_token",
    ]
