"""What the rules about number formats say at their edges, and what they let through."""

import copy

import pytest
from invalid_report_files import DEPLOYED
from report.rule_cases import ROW, surprises

from hubmaxact.report import excess
from hubmaxact.report.consistency import formats, int8, quantization, stability
from hubmaxact.report.watched_rows import WatchedRow, watched_rows

FORMATS = [
    (formats.headroom_agrees, {"sites/3/abs_max": 448.0,
      "dtype_headroom/float8_e4m3fn/exceeded": True},
     ["dtype_headroom.float8_e4m3fn.exceeded: is true, but the largest watched |x| is 448.0",
      "dtype_headroom.float8_e4m3fn.where: must name a site exactly when exceeded is true"]),
    (formats.headroom_agrees, {"sites/3/abs_max": 448.0}, []),
    (formats.headroom_agrees, {"dtype_headroom/float16/where": {"role": "hidden_state", "layer": 1,
      "module": "model.layers.1", "abs_max": 60.0}},
     ["dtype_headroom.float16.where: must name a site exactly when exceeded is true",
      ("dtype_headroom.float16.where.abs_max: is 60.0, but the site with the largest |x| "
       "has 61.0")]),
    (formats.headroom_agrees, {"sites/3/abs_max": 449.0,
      "dtype_headroom/float8_e4m3fn/exceeded": True},
     ["dtype_headroom.float8_e4m3fn.where: must name a site exactly when exceeded is true"]),
    (formats.headroom_agrees, {"sites/3/abs_max": 449.0,
      "dtype_headroom/float8_e4m3fn/exceeded": True,
      "dtype_headroom/float8_e4m3fn/where": {"role": "hidden_state", "layer": 1,
      "module": "model.layers.1", "abs_max": 449.0}}, []),
    (formats.headroom_agrees, {"global_max": None,
      "dtype_headroom": {"float16": {"largest_finite": 65504.0, "ratio": None, "exceeded": False,
      "where": None}}}, []),
    (formats.headroom_agrees, {"global_max": None,
      "dtype_headroom": {"float16": {"largest_finite": 65504.0, "ratio": 0.5, "exceeded": False,
      "where": None}}},
     ["dtype_headroom.float16.ratio: is 0.5, but M over 65504.0 is None"]),
]  # fmt: skip

QUANTIZATION = [
    (quantization.sites_have_rows, {"global_max/carriers/0/role": "mlp_output"},
     ["quantization.formats: has no row for mlp_output of layer 1 under max_abs",
      "quantization.formats: has no row for mlp_output of layer 1 under clip_q0.999"]),
    (quantization.rows_have_sites, {"quantization/formats/2/count": 805306368}, []),
    (quantization.rows_have_sites, {"quantization/formats/2/count": 805306369},
     [("quantization.formats[2].count: is 805306369, but that site has 805306368 finite "
       "elements")]),
    (quantization.rows_have_sites, {"quantization/formats/3/policy": "max_abs"},
     ["quantization.formats[3]: repeats an earlier row"]),
    (quantization.errors_agree, {"quantization/formats/2/clip_rate": None},
     ["quantization.formats[2].clip_rate: is null, but reason is null too"]),
    (quantization.errors_agree, {"quantization/formats/2/sum_sq": None,
      "quantization/formats/2/err_sq": None, "quantization/formats/2/sqnr_db": None},
     ["quantization.formats[2].reason: must be given exactly when sqnr_db is null",
      "quantization.formats[2].sum_sq: is null, but reason is null too"]),
    (quantization.errors_agree, {"quantization/formats/2/sum_sq": 100.0,
      "quantization/formats/2/err_sq": 0.0, "quantization/formats/2/sqnr_db": 50.0},
     ["quantization.formats[2].sqnr_db: is 50.0, but sum_sq is 100.0 and err_sq is 0.0"]),
    (quantization.errors_agree, {"quantization/formats/2/sum_sq": 100.0,
      "quantization/formats/2/err_sq": 1.0, "quantization/formats/2/sqnr_db": 20.1,
      "quantization/formats/2/rel_rmse": 0.2},
     ["quantization.formats[2].sqnr_db: is 20.1, but 10 log10(sum_sq / err_sq) is 20.0",
      "quantization.formats[2].rel_rmse: is 0.2, but sqrt(err_sq / sum_sq) is 0.1"]),
    (quantization.errors_agree, {"quantization/formats/2/sum_sq": 100.0,
      "quantization/formats/2/err_sq": 1.0, "quantization/formats/2/sqnr_db": 20.0,
      "quantization/formats/2/rel_rmse": 0.1}, []),
    (quantization.splits_exist, {"protocol/evaluation_samples": 4872}, []),
    (quantization.splits_exist, {"protocol/calibration_samples": 0,
      "quantization/formats": [{"sqnr_db": 2.0}, {"sqnr_db": None}]},
     ["quantization.formats[0].sqnr_db: is 2.0, but the splits have 0 and 256 texts"]),
    (quantization.splits_exist, {"protocol/evaluation_samples": 4873,
      "quantization/formats": [{"sqnr_db": 2.0}, {"sqnr_db": None}]},
     [("quantization.formats[0].sqnr_db: is 2.0, but both splits need 5001 texts and 5000 "
       "were read")]),
]  # fmt: skip

INT8 = [
    (int8.thresholds_lie_within, {"quantization/formats/2/threshold": 60.1}, []),
    (int8.thresholds_lie_within, {"quantization/formats/2/threshold": 61.0001},
     [("quantization.formats[2].threshold: is 61.0001, but must be above 0 and the site's "
       "abs_max is 61.0")]),
    (int8.thresholds_lie_within, {"quantization/formats/2/threshold": 0.5, "sites/3/abs_max": None,
      "quantization/formats/3/threshold": None},
     [("quantization.formats[2].threshold: is 0.5, but must be above 0 and the site's "
       "abs_max is 0.0")]),
    (int8.thresholds_lie_within, {"quantization/formats/3/threshold": 61.25},
     [("quantization.formats[3].threshold: is 61.25, but must be above 0 and the site's "
       "abs_max is 61.23828125")]),
    (int8.thresholds_lie_within, {"quantization/formats/3/threshold": 61.25,
      "sites/3/abs_max": 61.125}, []),
    (int8.thresholds_lie_within, {"quantization/formats/2/threshold": None,
      "quantization/formats/3/threshold": 2.0**-133, "sites/3/abs_max": 1.5 * 2.0**-134}, []),
    (int8.thresholds_lie_within, {"quantization/formats/2/threshold": None,
      "quantization/formats/3/threshold": 2.0**-132, "sites/3/abs_max": 1.5 * 2.0**-134},
     [("quantization.formats[3].threshold: is 1.8367099231598242e-40, but must be above 0 "
       "and the site's abs_max is 1.6098116758163499e-40")]),
    (int8.nothing_comes_from_nothing, {"quantization/formats": [{"threshold": None, "sum_sq": None,
      "err_sq": None, "rel_rmse": None, "rel_mae": None, "clip_rate": None, "count": 5,
      "sqnr_db": None}]},
     ["quantization.formats[0].count: is given, but threshold is null"]),
    (int8.nothing_comes_from_nothing, {"quantization/formats": [{"threshold": None, "sum_sq": 1.0,
      "err_sq": None, "rel_rmse": None, "rel_mae": None, "clip_rate": None, "count": 0,
      "sqnr_db": None}]},
     ["quantization.formats[0].sum_sq: is given, but threshold is null"]),
    (int8.sums_fit_the_site, {"quantization/formats/2/sum_sq": 1.0, "sites/3/rms": None,
      "quantization/formats/3/sum_sq": None},
     [("quantization.formats[2].sum_sq: is 1.0, but abs_max, rms and count of that site "
       "allow 0.0")]),
    (int8.sums_fit_the_site, {"quantization/formats/2/sum_sq": 1.0, "sites/3/abs_max": None,
      "quantization/formats/3/sum_sq": None},
     [("quantization.formats[2].sum_sq: is 1.0, but abs_max, rms and count of that site "
       "allow 0.0")]),
    (int8.sums_fit_the_site, {"quantization/formats/2/count": 100,
      "quantization/formats/2/sum_sq": 372100.0}, []),
    (int8.sums_fit_the_site, {"quantization/formats/2/count": 100,
      "quantization/formats/2/sum_sq": 372200.0},
     [("quantization.formats[2].sum_sq: is 372200.0, but abs_max, rms and count of that "
       "site allow 372100.0")]),
    (int8.sums_fit_the_site, {"sites/3/count": 100, "sites/3/rms": 2.0,
      "quantization/formats/2/sum_sq": 400.0, "quantization/formats/3/sum_sq": 401.0},
     [("quantization.formats[3].sum_sq: is 401.0, but abs_max, rms and count of that site "
       "allow 400.0")]),
    (int8.errors_are_bounded, {"quantization/formats/2/rel_mae": 1.0}, []),
    (int8.errors_are_bounded, {"quantization/formats/2/rel_mae": 1.5},
     [("quantization.formats[2].rel_mae: is 1.5, but rounding to the nearest level errs "
       "by |x| at most")]),
    (int8.errors_are_bounded, {"quantization/formats/2/count": 100,
      "quantization/formats/2/threshold": 25.4, "quantization/formats/2/err_sq": 1.0}, []),
    (int8.errors_are_bounded, {"quantization/formats/2/count": 100,
      "quantization/formats/2/threshold": 25.4, "quantization/formats/2/err_sq": 1.1},
     [("quantization.formats[2].err_sq: is 1.1, but nothing is clipped and half steps add "
       "up to 0.9999999999999999")]),
    (int8.errors_are_bounded, {"quantization/formats/2/count": 100,
      "quantization/formats/2/threshold": None, "quantization/formats/2/err_sq": 1e-9},
     [("quantization.formats[2].err_sq: is 1e-09, but nothing is clipped and half steps "
       "add up to 0.0")]),
    (int8.errors_are_bounded, {"quantization/formats/2/err_sq": None}, []),
    (int8.errors_are_bounded, {"quantization/formats/2/rel_rmse": None,
      "quantization/formats/2/rel_mae": 0.0}, []),
    (int8.errors_are_bounded, {"quantization/formats/2/rel_rmse": 0.0,
      "quantization/formats/2/rel_mae": None}, []),
    (int8.errors_are_bounded, {"quantization/formats/2/rel_rmse": 0.0,
      "quantization/formats/2/rel_mae": 0.0}, []),
    (int8.errors_are_bounded, {"quantization/formats/2/rel_rmse": 0.0,
      "quantization/formats/2/rel_mae": 0.5},
     ["quantization.formats[2].rel_mae: is 0.5, but rel_rmse is 0.0"]),
    (int8.errors_are_bounded, {"quantization/formats/2/rel_rmse": 1.0,
      "quantization/formats/2/rel_mae": 0.5}, []),
    (int8.errors_are_bounded, {"quantization/formats/2/rel_rmse": 0.5,
      "quantization/formats/2/rel_mae": 1.0}, []),
    (int8.clipping_agrees, {"quantization/formats/2/clip_rate": None}, []),
    (int8.clipping_agrees, {"quantization/formats/2/threshold": None}, []),
    (int8.clipping_agrees, {"quantization/formats/2/sum_sq": None}, []),
    (int8.clipping_agrees, {"quantization/formats/2/clip_rate": 0.1,
      "quantization/formats/2/threshold": 0.5, "sites/3/abs_max": None,
      "quantization/formats/3/sum_sq": None},
     ["quantization.formats[2].clip_rate: is 0.1, but no |x| is above the threshold, 0.5"]),
    (int8.clipping_agrees, {"quantization/formats/2": {**ROW, "clip_rate": 0.5, "count": 100,
      "threshold": 4.0, "sum_sq": 800.0}}, []),
    (int8.clipping_agrees, {"quantization/formats/2": {**ROW, "clip_rate": 0.5, "count": 100,
      "threshold": 4.0, "sum_sq": 799.0}},
     [("quantization.formats[2].clip_rate: is 0.5, but so many values above 4.0 exceed "
       "sum_sq, 799.0")]),
    (int8.policies_see_the_same, {"quantization/formats/2/threshold": None,
      "quantization/formats/2/count": 0}, []),
]  # fmt: skip

FP16 = DEPLOYED["dtype_headroom"]["float16"]["exceeded_by"]

EXCESSES = [
    (formats.excesses_agree, {}, []),
    (formats.excesses_agree, {"dtype_headroom/float16/exceeded_by": FP16[1:]},
     [("dtype_headroom.float16.exceeded_by: names other roles than exceed it: hidden_state, "
       "mlp_output, mlp_update")]),
    (formats.excesses_agree, {"dtype_headroom/bfloat16/exceeded_by": FP16[:1]},
     ["dtype_headroom.bfloat16.exceeded_by: names other roles than exceed it: none"]),
    (formats.excesses_agree, {"dtype_headroom/float16/exceeded_by/0/layers": [0, 1]},
     ["dtype_headroom.float16.exceeded_by[0].layers: is [0, 1], but the rows give [1]"]),
    (formats.excesses_agree, {"dtype_headroom/float16/exceeded_by/0/factor": 2.0},
     [(f"dtype_headroom.float16.exceeded_by[0].factor: is 2.0, but the rows give "
       f"{FP16[0]['factor']}")]),
    (formats.excesses_agree, {"dtype_headroom/float16/exceeded_by/0/tokens": 0},
     ["dtype_headroom.float16.exceeded_by[0].tokens: is 0, but that tensor exceeds the format"]),
    (formats.excesses_agree, {"dtype_headroom/float16/exceeded_by/0/tokens": 10**12},
     [("dtype_headroom.float16.exceeded_by[0].tokens: is 1000000000000, but the corpus has "
       f"{DEPLOYED['protocol']['corpus']['num_tokens']} tokens")]),
    (formats.excesses_agree, {"dtype_headroom/float16/exceeded_by/0/tokens": 7}, []),
    (formats.excesses_agree, {"dtype_headroom/float16/residual_exponent": 2},
     ["dtype_headroom.float16.residual_exponent: is 2, but the rows give 1"]),
    (formats.excesses_agree, {"dtype_headroom/float8_e5m2/residual_exponent": 1},
     ["dtype_headroom.float8_e5m2.residual_exponent: is 1, but the rows give None"]),
    (formats.excesses_agree, {"dtype_headroom/float16/residual_exponent": None,
      "sites/1/num_nan": 1}, []),
]  # fmt: skip

STABILITY = [
    (stability.empty_needs_a_reason, {"stability/reason": "few"},
     ["stability.reason: is given, but subsets has 1 row"]),
    (stability.subsets_agree, {"global_max": None},
     ["stability.subsets[0].values: reach 61.0, but global_max.abs_max is null"]),
    (stability.subsets_agree, {"stability/subsets/0/size": 5000}, []),
    (stability.subsets_agree, {"stability/subsets/0/size": 5001},
     ["stability.subsets[0].size: is 5001, but protocol.corpus.num_samples is 5000"]),
    (stability.subsets_agree, {"stability/subsets": [{"size": 1, "values": [0.0, 0.0],
      "range_over_mean": None, "coefficient_of_variation": None}]}, []),
    (stability.subsets_agree, {"stability/subsets": [{"size": 1, "values": [0.25],
      "range_over_mean": 0.0, "coefficient_of_variation": None}]}, []),
    (stability.subsets_agree, {"stability/subsets": [{"size": 1, "values": [0.5, 0.5],
      "range_over_mean": 0.0, "coefficient_of_variation": 0.0}]}, []),
    (stability.subsets_agree, {"stability/subsets": [{"size": 1, "values": [1.0, 3.0],
      "range_over_mean": 1.0, "coefficient_of_variation": 2.0**-0.5}]}, []),
]  # fmt: skip


def test_rules_about_formats():
    assert surprises(FORMATS) == []


def test_rules_about_excesses():
    assert surprises(EXCESSES, DEPLOYED) == []


def test_an_infinity_is_beyond_every_format_that_the_run_reaches():
    report = copy.deepcopy(DEPLOYED)
    report["kv"][1]["value"]["num_inf"] = 2
    for name, row in report["dtype_headroom"].items():
        found = excess.exceeded_by(report, name, watched_rows(report))
        values = next(each for each in found if each["role"] == "value")
        assert (values["layers"], values["abs_max"], values["factor"]) == ([1], None, None)
        assert len(found) == 1 + len(row["exceeded_by"])


@pytest.mark.parametrize(
    ("largest", "exponent"),
    [(0.0, 0), (65504.0, 0), (65536.0, 1), (131008.0, 1), (131072.0, 2), (3.3895e38, 112)],
)
def test_the_least_power_of_two_that_brings_a_stream_into_fp16(largest, exponent):
    place = ("sites[0]", "hidden_state", 0, None, "model.layers.0")
    assert excess.residual_exponent([WatchedRow(*place, largest, 0, 0)]) == exponent
    beside = WatchedRow("sites[1]", "mlp_gate", *place[2:], 1e30, 3, 3)  # no part of the stream
    assert excess.residual_exponent([WatchedRow(*place, largest, 0, 0), beside]) == exponent
    assert excess.residual_exponent([WatchedRow(*place, largest, 0, 1)]) is None


def test_what_no_scaling_of_the_stream_helps_is_left():
    report = copy.deepcopy(DEPLOYED)
    assert [(row.role, row.layer) for row in excess.left_beyond(report)] == [("mlp_output", 1)]
    report["linear_inputs"][2]["abs_max"] = 70000.0
    update = next(s for s in report["sites"] if (s["role"], s["layer"]) == ("mlp_update", 1))
    output = next(s for s in report["sites"] if (s["role"], s["layer"]) == ("mlp_output", 1))
    update["abs_max"] = output["abs_max"]  # nothing is between the two: they scale together
    assert [row.path for row in excess.left_beyond(report)] == ["linear_inputs[2]"]


def test_rules_about_quantization():
    assert surprises(QUANTIZATION) == []


def test_rules_about_int8():
    assert surprises(INT8) == []


def test_rules_about_stability():
    assert surprises(STABILITY) == []
