"""Verdicts say what was measured, in one word each, and nothing that was not."""

import deployed_reports
import example_reports
import pytest
from pooled_reports import OFF, find, nothing_known, pooled_report, with_loss

from hubmaxact.rendering import section, summary
from hubmaxact.rendering.fit import levels
from hubmaxact.rendering.fit.advice import advice
from hubmaxact.rendering.fit.verdicts import closed_up, verdicts

FP8, INT8, FOUR_BIT = "FP8 weights and activations", "INT8", "4-bit"
TOKEN = "a scale for each token"


def told(report):
    return {each.title: each for each in verdicts(report, str)}


def done(report):
    return list(advice(report, str))


def without(*names):
    def edit(report):
        for name in names:
            nothing_known(find(report, name))

    return edit


def test_each_format_has_one_verdict_with_number_condition_and_module():
    found = told(pooled_report())
    assert [each.word for each in found.values()] == [
        "exceeded", "small error", "moderate error", "moderate error", "small error",
    ]  # fmt: skip
    assert all(each.number and each.condition and each.where for each in found.values())
    assert found[INT8].number == "error 2.79 % (31.1 dB)"
    assert found[INT8].condition == f"INT8, {TOKEN}; 72 inputs, 256 texts"
    assert found[INT8].where == "lowest model.layers.15.mlp.down_proj (22.9 dB)"


def test_the_coarsest_granularity_of_the_best_level_speaks():
    assert told(pooled_report())[FP8].condition.startswith("FP8 E4M3, one scale from the maximum;")

    def spoilt(report):
        for policy in ("max_abs", "mse"):
            find(report, f"float8_e4m3fn/per_tensor/{policy}")["worst"][0]["sqnr_db"] = 29.9

    assert told(pooled_report(spoilt))[FP8].condition.startswith(f"FP8 E4M3, {TOKEN};")


def test_the_tensor_that_is_rounded_worst_decides_and_not_the_pool():
    def spoilt(report):
        find(report, "int8/per_token/dynamic")["worst"][0]["sqnr_db"] = 19.0
        find(report, "int8/per_tensor/max_abs")["worst"][0]["sqnr_db"] = 9.0
        find(report, "int8/per_tensor/mse")["worst"][0]["sqnr_db"] = 9.0

    found = told(pooled_report(spoilt))[INT8]
    assert (found.word, found.number) == ("large error", "error 2.79 % (31.1 dB)")


@pytest.mark.parametrize(
    ("sqnr_db", "word"),
    [(30.0, "small"), (29.99, "moderate"), (20.0, "moderate"), (19.9, "large"), (9.9, "severe")],
)
def test_levels_of_errors(sqnr_db, word):
    assert levels.of_sqnr(sqnr_db).word == word


@pytest.mark.parametrize(
    ("change", "word"),
    [(-1.0, "small"), (0.02, "small"), (0.021, "moderate"), (0.5, "large"), (0.6, "severe")],
)
def test_levels_of_loss(change, word):
    assert levels.of_loss(change).word == word


def test_the_loss_decides_where_it_was_measured_by_the_upper_end_of_its_interval():
    report = with_loss(
        pooled_report(),
        ("linear_inputs", "int8/per_tensor/max_abs", (0.3, 0.28, 0.33)),
        ("linear_inputs", "int8/per_token/dynamic", (0.012, 0.006, 0.019)),
        ("residual", "float8_e4m3fn/per_tensor/max_abs", (2.0, 1.9, 2.1)),
        ("kv", "float8_e4m3fn/per_tensor/unscaled", (0.03, 0.01, 0.05)),
    )
    found = told(report)
    assert found[INT8].word == "small loss"
    assert found[INT8].number == "loss +0.012 nats a token (+0.006 to +0.019)"
    assert found[INT8].condition.startswith(f"INT8, {TOKEN}; 256 texts")
    assert found[FP8].word == "small error"  # the residual stream is no linear input
    assert found["FP8 KV cache"].word == "moderate loss"
    assert [said for head, said in done(report) if head == "INT8"] == [
        (
            f"Use INT8, {TOKEN}: a small loss, +0.012 nats a token; INT8, one scale from the "
            "maximum, leaves a large loss, +0.3 nats a token."
        )
    ]  # and no input is kept wide: the model forgives what its tensors lose


def test_a_run_of_a_coarser_way_hides_nothing_of_a_finer_one():
    ruined = ("linear_inputs", "int8/per_tensor/max_abs", (0.7, 0.6, 0.8))
    report = with_loss(pooled_report(), ruined)
    assert told(report)[INT8] == told(pooled_report())[INT8]
    (said,) = (said for head, said in done(report) if head == "INT8")
    assert said.startswith(f"Use INT8, {TOKEN}: a moderate error, 22.9 dB")


@pytest.mark.parametrize(
    ("name", "title"), [("int8/per_token/dynamic", INT8), ("float8_e4m3fn/per_token/dynamic", FP8)]
)
def test_where_a_run_lost_much_no_error_like_its_own_outdoes_it(name, title):
    found = told(with_loss(pooled_report(), ("linear_inputs", name, (0.7, 0.6, 0.8))))
    assert found.pop(title).word == "severe loss"
    assert found.items() <= told(pooled_report()).items()


def test_where_a_run_has_no_error_beside_it_the_run_speaks():
    run = ("linear_inputs", "int8/per_token/dynamic", (0.7, 0.6, 0.8))
    report = with_loss(pooled_report(without("int8/per_token/dynamic")), run)
    assert told(report)[INT8].word == "severe loss"


def test_a_loss_and_an_error_of_one_level_are_not_ranked():
    def spoilt(report):
        find(report, "nvfp4/block_16/max_abs")["worst"][0]["sqnr_db"] = 11.5
        find(report, "mxfp4/block_32/dynamic")["worst"][0]["sqnr_db"] = 16.6

    run = ("linear_inputs", "nvfp4/block_16/max_abs", (0.137, 0.06, 0.234))
    said = [words for head, words in done(with_loss(pooled_report(spoilt), run)) if head == "4-bit"]
    assert not [words for words in said if words.startswith("Use ")]


def test_a_run_of_one_four_bit_format_does_not_speak_for_the_other():
    ruined = ("linear_inputs", "mxfp4/block_32/dynamic", (0.7, 0.6, 0.8))
    found = told(with_loss(pooled_report(), ruined))[FOUR_BIT]
    assert (found.word, found.condition.split(";")[0]) == (
        "moderate error", "NVFP4, a scale for 16 channels",
    )  # fmt: skip


def test_of_ways_that_are_all_beyond_use_the_mildest_speaks():
    def spoilt(report):
        find(report, "mxfp4/block_32/dynamic")["worst"][0]["sqnr_db"] = 14.7
        find(report, "nvfp4/block_16/max_abs")["worst"][0]["sqnr_db"] = 19.8

    found = told(pooled_report(spoilt))[FOUR_BIT]
    assert (found.word, found.condition.split(";")[0]) == (
        "large error", "NVFP4, a scale for 16 channels",
    )  # fmt: skip


def test_a_run_without_a_loss_is_no_evidence():
    run = ("linear_inputs", "int8/per_token/dynamic", None, "no lm_head")
    assert told(with_loss(pooled_report(), run))[INT8].word == "moderate error"


def test_what_was_switched_off_is_said_and_what_is_left_speaks():
    off = ("mxfp4/block_32/dynamic", "nvfp4/block_16/max_abs", "int8/per_token/dynamic")
    found = told(pooled_report(without(*off)))
    assert (found[FOUR_BIT].word, found[FOUR_BIT].condition) == ("not measured", OFF)
    assert found[FOUR_BIT].number == ""
    assert found[INT8].condition.startswith("INT8, one scale of least squared error;")


def test_reports_without_errors_say_so_in_one_row():
    paper = closed_up(verdicts(example_reports.dense_report(), str))
    assert [(each.word, bool(each.number)) for each in paper] == [
        ("not exceeded", True),
        ("not measured", False),
    ]
    assert paper[1].title.startswith("FP8 weights and activations, INT8, 4-bit")
    assert "profile deployment does" in paper[1].condition
    older = closed_up(verdicts(deployed_reports.deployment_report(), str))
    assert [each.word for each in older] == ["exceeded", "not measured", "saturates"]
    assert "before errors of these formats were measured" in older[1].condition


def test_a_cache_beyond_the_format_saturates_whatever_its_error():
    def far(report):
        report["kv"][3]["value"]["abs_max"] = 600.0

    report = pooled_report(far)
    found = told(report)["FP8 KV cache"]
    assert (found.word, found.where) == ("saturates", "model.layers.3.self_attn")
    assert found.number.startswith("values reach 600; key error 2.69 %")
    (said,) = (said for head, said in done(report) if head == "KV cache")
    assert "1 of 18 attentions saturate; with them: key error 2.68 % (31.4 dB)" in said


def test_a_cache_without_errors_is_held_to_the_end_of_the_format():
    def near(peak):
        def edit(report):
            del report["quantization"]["pooled"]
            for row in report["kv"]:
                row["key"]["abs_max"] = peak

        return told(pooled_report(edit))["FP8 KV cache"].word

    assert [near(448.0), near(100.0), near(449.0)] == ["little room", "not exceeded", "saturates"]


def test_nan_leaves_nothing_known():
    def broken(report):
        report["linear_inputs"][3]["num_nan"] = 1
        report["kv"][1]["key"]["num_nan"] = 1

    found = told(pooled_report(broken))
    assert {found[title].word for title in (FP8, INT8, FOUR_BIT, "FP8 KV cache")} == {"not known"}
    assert "NaN or infinity in 1 input" in found[FP8].condition


def test_fp16_is_never_promised():
    assert told(example_reports.partial_report())["fp16"].word == "not known"
    assert told(example_reports.non_finite_report())["fp16"].word == "exceeded"
    near = example_reports.dense_report(36, 4096, 40_000.0)
    assert told(near)["fp16"].word == "little room"
    for report in (pooled_report(), near):
        assert "fits" not in summary.render(report)


@pytest.mark.parametrize(
    ("role", "layer", "peak", "said"),
    [
        ("hidden_state", 0, 70_000.0, "; first in layer 0: hidden state"),
        ("embedding", None, 70_000.0, "; first in embedding"),
        ("hidden_state", 3, 70_000.0, ""),  # the layer that goes furthest comes before it
        ("hidden_state", 0, 65_504.0, ""),
    ],
)
def test_it_is_said_where_fp16_overflows_first(role, layer, peak, said):
    def far(report):
        (site,) = (s for s in report["sites"] if (s["role"], s["layer"]) == (role, layer))
        site["abs_max"] = peak

    found = told(pooled_report(far))["fp16"]
    assert found.condition == f"in the hidden state of layer 1, unscaled{said}"


def test_advice_names_the_granularity_and_what_a_coarser_one_leaves():
    (said,) = (said for head, said in done(pooled_report()) if head == "INT8")
    assert said == (
        "Use INT8, a scale for each token: a moderate error, 22.9 dB or above in every input; "
        "INT8, one scale of least squared error, leaves a large error, 17.2 dB."
    )


def kept_wide(worst):
    """What is advised for INT8 with one scale, whose lowest inputs are given."""

    def edit(report):
        without("int8/per_token/dynamic", "int8/per_tensor/mse")(report)
        rows = find(report, "int8/per_tensor/max_abs")["worst"]
        for row, sqnr_db in zip(rows, worst, strict=True):
            row["sqnr_db"] = sqnr_db

    return [said for head, said in done(pooled_report(edit)) if head == "INT8"]


def test_advice_keeps_the_worst_inputs_wide_and_says_what_that_saves():
    assert kept_wide((12.5, 13.8, 20.4)) == [
        (
            "Keep model.layers.2.mlp.down_proj, model.layers.15.mlp.down_proj wide: in INT8, one "
            "scale from the maximum, the lowest has 12.5 dB; all 70 others are at 20.4 dB or above."
        )
    ]


def test_where_all_that_the_report_names_are_low_it_does_not_vouch_for_the_others():
    assert kept_wide((12.5, 13.2, 13.8)) == [
        (
            "Keep model.layers.2.mlp.down_proj, model.layers.15.mlp.down_proj, "
            "model.layers.3.mlp.down_proj wide, and whatever else of the 69 others is below 20 dB "
            "(quantization.parquet tells): in INT8, one scale from the maximum, those named have "
            "12.5 dB to 13.8 dB."
        )
    ]


def test_nothing_is_kept_wide_where_no_input_is_low():
    assert kept_wide((20.0, 21.0, 22.0)) == []


def test_advice_scales_the_stream_where_fp16_is_exceeded():
    (said,) = (said for head, said in done(pooled_report()) if head == "fp16")
    assert said.startswith("Scale the residual stream by 2^-1, or keep it wider")
    assert done(example_reports.dense_report()) == []


def test_the_section_tells_errors_folded():
    run = ("linear_inputs", "int8/per_token/dynamic", (0.012, 0.006, 0.019))
    text = section.compose(with_loss(pooled_report(), run), "0" * 64)
    head, folded = text.split("<details>")
    assert "| **INT8** | **small loss** | Loss +0.012 nats" in head
    assert "INT8 check" not in head
    assert "| keys | FP8 E4M3, no scale | 31.4 | 2.69 % |" in folded
