"""A report becomes one flat row that says the same."""

import json

import deployed_reports
import end_to_end_reports
import example_reports
import pooled_reports
import pytest
from catalog_reports import report_of
from example_reports import bf16
from shipped_reports import own_code_report

from hubmaxact.catalog.extract import INT8_POLICIES, row_of, weights_digest
from hubmaxact.catalog.fit import TITLES
from hubmaxact.catalog.parquet import DamagedTableError, decode, encode, rows_of
from hubmaxact.catalog.pooled import LINEAR_INPUTS
from hubmaxact.catalog.row import HINTS
from hubmaxact.comparison.int8 import int8_table
from hubmaxact.rendering.fit.verdicts import verdicts
from hubmaxact.report.comparability import protocol_key
from hubmaxact.report.excess import left_beyond

MAKERS = (
    example_reports.small_report,
    example_reports.dense_report,
    example_reports.huge_report,
    example_reports.moe_report,
    example_reports.partial_report,
    example_reports.non_finite_report,
    example_reports.few_samples_report,
    deployed_reports.deployment_report,
    lambda: deployed_reports.deployment_report(rounded=True),
    end_to_end_reports.end_to_end_report,
    own_code_report,
)


def row(report):
    return row_of(report, b"content", key="k", name="n")


@pytest.mark.parametrize("make", MAKERS)
def test_every_report_fills_every_column_and_survives_the_table(make):
    made = row(make())
    assert list(made) == list(HINTS)
    assert rows_of(decode(encode([made]))) == [made]


def test_own_code_is_told():
    assert row(own_code_report())["remote_code"] is True
    assert row(example_reports.moe_report())["remote_code"] is False


def test_the_peak_and_its_ties_are_told():
    made = row(example_reports.moe_report())
    assert (made["max_value"], made["abs_max"]) == (1512.0, 1512.0)
    assert (made["carrier_role"], made["carrier_layer"]) == ("hidden_state", 2)
    assert made["carrier_module"] == "model.layers.2"
    assert made["tied_roles"] == ["hidden_state", "mlp_output"]
    assert made["num_carriers"] == 5
    assert (made["architecture"], made["max_router_logits"] is None) == ("moe", False)


def test_layers_stand_at_their_places_and_what_was_not_seen_is_null():
    report = example_reports.partial_report()
    made = row(report)
    assert made["hidden_state_by_layer"] == [1.5, 23, 61, 40]
    assert [value is None for value in made["attention_output_by_layer"]] == [False] * 2 + [
        True,
        False,
    ]
    assert (made["status"], made["num_missing"]) == ("partial", 1)


def test_how_sure_m_is_stands_where_the_profile_looks():
    made = row(deployed_reports.deployment_report())
    half = bf16(82944.0) * 0.99
    assert (made["abs_max_of_half"], made["abs_max_after_first_token"]) == (half, 10368.0)
    assert (made["inferred_low"], made["inferred_high"]) == (None, None)
    report = deployed_reports.deployment_report()
    blocks = report["stability"]["by_text"]
    blocks["all_tokens"]["tail"] = blocks["after_first_token"]["tail"]
    blocks["all_tokens"]["saturation"] = blocks["all_tokens"]["saturation"][-1:]
    made = row(report)
    assert (made["inferred_low"], made["inferred_high"]) == (10368.0, 20736.0)
    assert made["abs_max_of_half"] is None
    assert row(example_reports.dense_report())["abs_max_of_half"] is None


def test_what_deployed_formats_lose_stands_where_it_was_measured():
    report = deployed_reports.deployment_report(rounded=True)
    made = row(report)
    linear = {name: made[name] for name in LINEAR_INPUTS}
    assert linear == {
        "linear_int8_tensor_db": pytest.approx(33.5),
        "linear_int8_token_db": pytest.approx(41.0),
        "linear_fp8_tensor_db": pytest.approx(31.4),
        "linear_fp8_token_db": pytest.approx(31.6),
        "linear_mxfp8_db": pytest.approx(30.4),
        "linear_mxfp4_db": pytest.approx(17.9),
        "linear_nvfp4_db": pytest.approx(20.4),
    }
    cached = [
        each
        for each in report["quantization"]["pooled"]
        if (each["format"], each["policy"]) == ("float8_e4m3fn", "unscaled")
    ]
    cached[1]["sqnr_db"], cached[1]["clip_rate"] = 12.0, 0.25
    made = row(report)
    assert (made["kv_fp8_unscaled_db"], made["kv_fp8_unscaled_clip_rate"]) == (12.0, 0.25)
    cached[0]["sqnr_db"] = None
    assert row(report)["kv_fp8_unscaled_db"] is None
    for earlier in (
        example_reports.dense_report(),
        deployed_reports.deployment_report(),
    ):
        made = row(earlier)
        assert {made[name] for name in (*linear, "kv_fp8_unscaled_clip_rate")} == {None}


def test_the_tensor_that_each_format_rounds_worst_is_told_with_its_module():
    report = pooled_reports.pooled_report()
    made = row(report)
    for column, way in LINEAR_INPUTS.items():
        worst = pooled_reports.find(report, way.name)["worst"][0]
        name = column.removesuffix("_db")
        assert made[f"{name}_lowest_db"] == worst["sqnr_db"]
        assert made[f"{name}_lowest_module"] == worst["module"]
    kinds = [
        pooled_reports.find(report, "float8_e4m3fn/per_tensor/unscaled", kind)["worst"][0]
        for kind in ("key", "value")
    ]
    worst = min(kinds, key=lambda each: each["sqnr_db"])
    assert made["kv_fp8_unscaled_lowest_db"] == worst["sqnr_db"]
    assert made["kv_fp8_unscaled_lowest_module"] == worst["module"]
    made = row(pooled_reports.switched_off(report))
    assert made["linear_mxfp4_lowest_db"] is made["linear_mxfp4_lowest_module"] is None
    assert made["linear_int8_tensor_lowest_db"] is not None
    for earlier in (example_reports.dense_report(), deployed_reports.deployment_report()):
        made = row(earlier)
        assert {made[name] for name in HINTS if "_lowest_module" in name} == {None}
        assert made["linear_nvfp4_lowest_db"] is made["kv_fp8_unscaled_lowest_db"] is None


def test_losses_stand_for_each_way_asked_for_and_the_worst_of_deployment_alone():
    report = end_to_end_reports.end_to_end_report()
    rows = report["end_to_end"]["rows"]
    made = row(report)
    assert made["loss_unrounded"] == report["end_to_end"]["loss"]
    assert [list(each.values()) for each in made["losses"]] == [
        [
            *(each[name] for name in ("target", "format", "granularity", "policy", "num_samples")),
            *(each["loss_change"][name] for name in ("mean", "low", "high")),
            each["kl_divergence"]["mean"],
            each["top1_agreement"],
        ]
        for each in rows
    ]
    # The residual stream costs most, and no deployed kernel rounds it.
    assert made["loss_worst_way"] == "linear_inputs:int8/per_tensor/max_abs"
    assert (made["loss_worst_change"], made["loss_worst_high"]) == (0.25, 0.2578125)
    assert made["loss_worst_low"] == rows[0]["loss_change"]["low"]
    rows[0] = end_to_end_reports.unknown(rows[0], "it was not finite")
    made = row(report)
    assert made["losses"][0]["change"] is None
    assert made["loss_worst_way"] == "linear_inputs:int8/per_token/dynamic"
    assert rows_of(decode(encode([made]))) == [made]


def test_without_losses_there_is_no_worst():
    report = end_to_end_reports.end_to_end_report()
    rows = report["end_to_end"]["rows"]
    report["end_to_end"]["rows"] = [end_to_end_reports.unknown(each, "why") for each in rows]
    assert row(report)["loss_worst_change"] is row(report)["loss_worst_way"] is None
    for earlier in (example_reports.dense_report(), pooled_reports.pooled_report()):
        made = row(earlier)
        assert {made[name] for name in HINTS if name.startswith("loss")} == {None}


def test_what_scales_a_residual_stream_into_fp16_is_told_where_it_is_known():
    report = pooled_reports.pooled_report()
    exponent = report["dtype_headroom"]["float16"]["residual_exponent"]
    assert row(report)["residual_exponent"] == exponent == 1
    assert row(report)["num_left_beyond"] == len(left_beyond(report)) == 1
    made = row(example_reports.dense_report())
    assert made["residual_exponent"] is made["num_left_beyond"] is None


def test_whether_it_fits_is_what_the_card_says():
    run = ("linear_inputs", "float8_e4m3fn/per_token/dynamic", (0.1, 0.08, 0.3))
    with_loss = pooled_reports.with_loss(pooled_reports.pooled_report(), run)
    saturating = deployed_reports.deployment_report(rounded=True)
    saturating["kv"][0]["key"]["abs_max"] = 512.0
    pooled = pooled_reports.pooled_report()
    for report in (example_reports.dense_report(), saturating, pooled, with_loss):
        said = {each.title: each.word for each in verdicts(report, str)}
        del said["fp16"]
        made = row(report)
        assert {title: made[column] for column, title in TITLES.items()} == said
    assert (made["fit_fp8"], made["fit_4bit"]) == ("large loss", "moderate error")


def test_two_mixers_of_one_layer_give_the_larger_one():
    report = example_reports.small_report()
    extra = next(s for s in report["sites"] if s["role"] == "attention_output")
    report["sites"].append(extra | {"part": "mamba", "abs_max": 99.0})
    assert row(report)["attention_output_by_layer"][extra["layer"]] == 99.0


def test_the_int8_diagnostic_is_the_one_at_the_peak():
    report = example_reports.dense_report()
    peak = report["global_max"]
    rows = {
        r["policy"]: r
        for r in report["quantization"]["formats"]
        if r["site"] == {name: peak[name] for name in ("role", "layer", "part")}
    }
    made = row(report)
    assert made["int8_max_abs_sqnr_db"] == rows["max_abs"]["sqnr_db"]
    assert made["int8_clip_sqnr_db"] == rows["clip_q0.999"]["sqnr_db"]
    assert made["int8_clip_clip_rate"] == 0.001
    assert row(example_reports.few_samples_report())["int8_max_abs_sqnr_db"] is None


def test_the_int8_diagnostic_elsewhere_is_what_compare_says_of_it():
    report = example_reports.dense_report()
    made = row(report)
    for table_row in int8_table([report]):
        (cell,) = table_row.cells
        policy = INT8_POLICIES[table_row.policy]
        for place in ("lowest", "median", "highest", "final_norm"):
            value = made[f"int8_{policy}_{place}_db"]
            assert value == getattr(cell, f"{place}_db")
            assert value is not None
    assert row(example_reports.few_samples_report())["int8_max_abs_median_db"] is None


def test_formats_are_exceeded_where_the_report_says_so():
    made = row(example_reports.huge_report())
    assert (made["exceeds_float16"], made["exceeds_bfloat16"]) == (True, False)


def test_without_a_finite_value_there_is_no_peak():
    report = example_reports.small_report()
    report["global_max"], report["max_by_role"] = None, {}
    for site in report["sites"]:
        site["abs_max"] = None
    made = row(report)
    assert made["abs_max"] is made["carrier_role"] is made["max_hidden_state"] is None
    assert made["hidden_state_by_layer"] == [None] * 4


def test_one_digest_stands_for_all_weight_files_whatever_they_are_called():
    files = [{"path": p, "size": 1, "sha256": p * 64} for p in "ab"]
    renamed = [file | {"path": "x"} for file in files]
    assert weights_digest(files) == weights_digest(reversed(renamed))
    assert weights_digest(files) != weights_digest(files[:1])


def test_equal_protocols_have_equal_keys_and_decisive_differences_do_not():
    protocol = report_of("a")["protocol"]
    key = protocol_key(protocol)
    assert protocol_key(protocol | {"batch_tokens": 1, "attn_implementation": "eager"}) == key
    assert protocol_key(protocol | {"dtype": "float16"}) != key
    corpus = protocol["corpus"] | {"digest": "sha256:" + "0" * 64}
    assert protocol_key(protocol | {"corpus": corpus}) != key
    turned = dict(reversed(protocol["corpus"]["domains"].items()))
    assert protocol_key(protocol | {"corpus": protocol["corpus"] | {"domains": turned}}) == key
    assert protocol_key(json.loads(json.dumps(protocol))) == key


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 100, b"<html>"])
def test_bytes_that_are_no_table_are_refused(content):
    with pytest.raises(DamagedTableError, match="not a Parquet file"):
        decode(content)


def test_a_table_of_other_columns_is_refused():
    import pyarrow as pa
    import pyarrow.parquet

    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(pa.table({"key": ["a"]}), sink)
    with pytest.raises(DamagedTableError, match="other columns"):
        decode(sink.getvalue().to_pybytes())


def test_an_empty_table_is_a_table():
    assert rows_of(decode(encode([]))) == []
