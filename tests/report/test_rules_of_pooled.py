"""What the rules about pooled rows say at their edges, and what they let through."""

import copy

import pytest
from deployed_reports import deployment_report
from invalid_report_files import DEPLOYED, POOLED, SMALLEST
from pooled_reports import switched_off
from report.rule_cases import DROP, surprises

from hubmaxact.deployed_formats import DEPLOYED_FORMATS, LABEL
from hubmaxact.printable import shown
from hubmaxact.report.consistency import contradictions, pooled, quantization
from hubmaxact.report.rounded_tensors import SWITCHED_OFF

ROWS = "quantization/pooled"
TOKEN, MXFP4, UNSCALED = f"{ROWS}/9", f"{ROWS}/14", f"{ROWS}/23"
VALUES_UNSCALED = f"{ROWS}/35"
NAME = "quantization.pooled[9]"
NOTHING = {
    f"{TOKEN}/{name}": value
    for name, value in {
        "num_tensors": 0,
        "count": 0,
        "worst": [],
        **dict.fromkeys(("sum_sq", "err_sq", "sqnr_db", "rel_rmse", "clip_rate", "underflow_rate")),
        "reason": "no finite value in the evaluation split",
    }.items()
}

CASES = [
    (pooled.pooled_is_told_whole, {"protocol/format_errors": DROP},
     ["protocol.format_errors: is left out, but quantization.pooled is given"]),
    (pooled.pooled_is_told_whole, {ROWS: DROP},
     ["protocol.format_errors: is given, but quantization.pooled is left out",
      "sidecars: names quantization.parquet, but no row was measured"]),
    (pooled.pooled_is_told_whole, {ROWS: DROP, "protocol/format_errors": DROP,
      "sidecars": POOLED["sidecars"][:2]}, []),
    (pooled.pooled_is_told_whole, {"protocol/profile": "paper"},
     ['quantization.pooled: is given, but protocol.profile is "paper"']),
    (pooled.pooled_rows_are_the_tables, {f"{TOKEN}/policy": "max_abs"},
     [('quantization.pooled: has "linear_input int8 per_token max_abs" where the table has '
      '"linear_input int8 per_token dynamic"')]),
    (pooled.pooled_rows_are_the_tables, {f"{TOKEN}/kind": "key"},
     [('quantization.pooled: has "key int8 per_token dynamic" where the table has '
      '"linear_input int8 per_token dynamic"')]),
    (pooled.pooled_rows_are_the_tables, {f"{ROWS}/39": DROP},
     ["quantization.pooled: has 39 rows, and the table has 40 for its tensors"]),
    (pooled.pooled_rows_are_the_tables, {f"{ROWS}/40": POOLED["quantization"]["pooled"][0]},
     ["quantization.pooled: has 41 rows, and the table has 40 for its tensors"]),
    (pooled.pooled_rows_are_the_tables, {f"{TOKEN}/label": "certified"},
     [f'{NAME}.label: is "certified", which is not {shown(LABEL)}']),
    (pooled.pooled_rows_are_of_these_tensors, {f"{TOKEN}/num_tensors": 7, f"{TOKEN}/count": 5,
      f"{TOKEN}/sum_sq": 1.0}, []),
    (pooled.pooled_rows_are_of_these_tensors, {f"{TOKEN}/count": 5, f"{TOKEN}/sum_sq": 1.0},
     [f"{NAME}.count: is 5, but quantization.pooled[0] has 6442450944",
      f"{NAME}.sum_sq: is 1.0, but quantization.pooled[0] has 17179869184.0"]),
    (pooled.pooled_rows_are_of_these_tensors, {f"{TOKEN}/count": 7 * 10**9,
      f"{TOKEN}/num_tensors": 7},
     [f"{NAME}.count: is 7000000000, but linear_inputs have 6442450944 finite elements"]),
    (pooled.pooled_nulls_mean_nothing_pooled, NOTHING, []),
    (pooled.pooled_nulls_mean_nothing_pooled, NOTHING | {f"{TOKEN}/sum_sq": 0.0,
      f"{TOKEN}/count": 1},
     [f"{NAME}.sum_sq: is 0.0, but 0 tensors were pooled",
      f"{NAME}.count: is 1, but 0 tensors were pooled"]),
    (pooled.pooled_nulls_mean_nothing_pooled, {f"{TOKEN}/clip_rate": None},
     [f"{NAME}.clip_rate: is null, but 8 tensors were pooled"]),
    (pooled.pooled_nulls_mean_nothing_pooled, {f"{TOKEN}/sum_sq": 0.0},
     [(f"{NAME}.rel_rmse: is {POOLED['quantization']['pooled'][9]['rel_rmse']}, "
      "but sum_sq is 0.0")]),
    (pooled.pooled_nulls_mean_nothing_pooled, NOTHING | {f"{TOKEN}/reason": SWITCHED_OFF},
     [f"{NAME}.reason: is {shown(SWITCHED_OFF)}, but it was not"]),
    (pooled.pooled_errors_are_bounded, {f"{TOKEN}/rel_rmse": 1.0}, []),
    (pooled.pooled_errors_are_bounded, {f"{TOKEN}/rel_rmse": 1.01},
     [f"{NAME}.rel_rmse: is 1.01, but rounding to the nearest code errs by |x| at most"]),
    (pooled.pooled_errors_are_bounded, {f"{MXFP4}/clip_rate": 0.5,
      f"{MXFP4}/underflow_rate": 0.5}, []),
    (pooled.pooled_errors_are_bounded, {f"{MXFP4}/clip_rate": 0.5,
      f"{MXFP4}/underflow_rate": 0.75},
     [("quantization.pooled[14].clip_rate: is 0.5, and underflow_rate 0.75: no element counts in "
      "both")]),
    (pooled.pooled_errors_are_bounded, {f"{VALUES_UNSCALED}/clip_rate": 0.5},
     ["quantization.pooled[35].clip_rate: is 0.5, but no value goes beyond 448"]),
    (pooled.pooled_errors_are_bounded, {"kv/0/key/abs_max": 440.0},
     ["quantization.pooled[23].clip_rate: is 0.001, but no key goes beyond 448"]),
    (pooled.pooled_errors_are_bounded, {"kv/0/key/abs_max": 447.9}, []),
    (pooled.worst_tensors_are_the_reports, {f"{TOKEN}/worst/1/layer": 1},
     [(f'{NAME}.worst[1]: names "model.layers.0.self_attn.o_proj", which is no such tensor of the '
      "report")]),
    (pooled.worst_tensors_are_the_reports, {f"{TOKEN}/worst/1/sqnr_db": 43.5},
     [f"{NAME}.worst: is not in order of sqnr_db, each tensor once"]),
    (pooled.worst_tensors_are_the_reports, {f"{TOKEN}/worst/1/sqnr_db": 37.0}, []),
    (pooled.worst_tensors_are_the_reports, {f"{TOKEN}/worst/1/sqnr_db": 37.0,
      f"{TOKEN}/worst/0": POOLED["quantization"]["pooled"][9]["worst"][2] | {"sqnr_db": 37.0}},
     [f"{NAME}.worst: is not in order of sqnr_db, each tensor once"]),
    (pooled.worst_tensors_are_the_reports, {f"{TOKEN}/worst": []},
     [f"{NAME}.worst: has 0 tensors, but 8 tensors were pooled at 41.0 dB"]),
    (pooled.worst_tensors_are_the_reports, {f"{TOKEN}/num_tensors": 2},
     [f"{NAME}.worst: has 3 tensors, but 2 tensors were pooled at 41.0 dB"]),
    (pooled.worst_tensors_are_the_reports, {f"{TOKEN}/num_tensors": 1,
      f"{TOKEN}/worst": POOLED["quantization"]["pooled"][9]["worst"][:1]},
     [(f"{NAME}.worst[0].sqnr_db: is 37.0, but it is the only tensor, and together they have "
      "41.0")]),
    (quantization.errors_agree, {f"{TOKEN}/sqnr_db": 41.5},
     [f"{NAME}.sqnr_db: is 41.5, but 10 log10(sum_sq / err_sq) is 41.0"]),
    (quantization.errors_agree, {f"{TOKEN}/reason": "why not"},
     [f"{NAME}.reason: must be given exactly when sqnr_db is null"]),
]  # fmt: skip


def test_rules_about_pooled_rows():
    assert surprises(CASES, POOLED) == []


def of_too_few_texts():
    report = copy.deepcopy(POOLED)
    report["protocol"]["evaluation_samples"] = 4999
    report["sidecars"].pop()
    nulls = {path.rpartition("/")[2]: value for path, value in NOTHING.items()}
    for row in report["quantization"]["pooled"]:
        row.update(nulls, reason="needs more")
    report["quantization"]["formats"] = []
    return report


def without_linear_inputs():
    report = copy.deepcopy(POOLED)
    report["linear_inputs"] = []
    del report["quantization"]["pooled"][:16]
    return report


@pytest.mark.parametrize(
    "make", [lambda: switched_off(POOLED), of_too_few_texts, without_linear_inputs]
)
def test_what_a_run_may_leave_out_contradicts_nothing_about_formats(make):
    found = [str(each) for each in contradictions(make())]
    assert [each for each in found if "pooled" in each or each.startswith("protocol")] == []


def test_levels_of_too_few_texts_are_refused():
    report = copy.deepcopy(POOLED)
    report["protocol"]["evaluation_samples"] = 4999
    found = [each.path for each in quantization.splits_exist(report)]
    assert sum(each.startswith("quantization.pooled") for each in found) == 40


@pytest.mark.parametrize(
    "report", [SMALLEST, DEPLOYED, deployment_report(num_experts=4, rounded=True)]
)
def test_reports_with_these_rows_and_earlier_ones_without_contradict_nothing(report):
    assert list(contradictions(report)) == []


def test_the_rules_know_every_way():
    assert list(pooled.WAY_BY_NAME.values()) == list(DEPLOYED_FORMATS)
