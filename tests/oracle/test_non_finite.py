"""NaN and infinity are counted and named, never dropped, and never an extreme."""

import math

import pytest
import torch

from hubmaxact.report.write import report_bytes
from oracle import brute
from oracle.cases import Case
from oracle.planting import planting

NAN_AT, INF_AT, MINUS_INF_AT = (0, 0, 3), (0, -1, 4), (0, 0, 5)  # row 0 is never padded


def spoil(tensor):
    """One NaN and two infinities per batch."""
    if len(tensor) and tensor.dim() == 3:
        tensor[NAN_AT], tensor[INF_AT], tensor[MINUS_INF_AT] = math.nan, math.inf, -math.inf


@pytest.mark.by_day("bfloat16", "float16")
@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float16"])
def test_non_finite_values_are_counted_at_their_site(measured, recomputed, dtype):
    case = Case("qwen3", dtype=dtype)
    with planting("norm", spoil):
        report = measured(case)
        _, batches, sites, _ = recomputed(case)
    row = report["sites"][-1]
    assert row["role"] == "final_norm"
    assert (row["num_nan"], row["num_inf"]) == (len(batches), 2 * len(batches))
    expected = brute.describe(sites["final_norm", None, None])
    for name in ("count", "min", "max", "abs_max", "abs_quantiles", "massive", "top"):
        assert row[name] == expected[name]
    for name in ("mean", "std", "rms", "abs_mean"):
        assert row[name] == pytest.approx(expected[name], rel=1e-9)
    assert report["status"] == "non_finite"
    assert [r["role"] for r in report["sites"] if r["num_nan"] + r["num_inf"]] == ["final_norm"]
    assert report_bytes(report)


def test_int8_rows_are_over_finite_values(measured, recomputed):
    case = Case("qwen3")
    with planting("norm", spoil):
        report = measured(case)
        *_, sites, _ = recomputed(case)
    expected = brute.int8_row(sites["final_norm", None, None], "max_abs")
    (row,) = [
        row
        for row in report["quantization"]["formats"]
        if row["site"]["role"] == "final_norm" and row["policy"] == "max_abs"
    ]
    assert (row["threshold"], row["count"]) == (expected["threshold"], expected["count"])
    assert row["sqnr_db"] == pytest.approx(expected["sqnr_db"], abs=1e-9)


def test_nan_spreads_and_is_named_wherever_it_goes(measured, recomputed):
    case = Case("qwen3_moe", bos=False)

    def spoil_last_token(tensor):
        tensor[0, -1, 2] = math.nan

    with planting("layers.1.self_attn", spoil_last_token):
        report = measured(case)
        *_, sites, _ = recomputed(case)
    rows = {(row["role"], row["layer"], row["part"]): row for row in report["sites"]}
    for key, captured in sites.items():
        expected = int(captured.values.isnan().sum())
        assert rows[key]["num_nan"] == expected
        assert rows[key]["top"] == brute.top(captured)
    spoiled = {key for key, row in rows.items() if row["num_nan"]}
    assert ("attention_output", 1, None) in spoiled
    assert ("final_norm", None, None) in spoiled
    assert not any(layer == 0 for _, layer, _ in spoiled)
    assert report["status"] == "non_finite"


def test_a_model_without_one_finite_value_has_no_maximum_and_a_valid_report(measured):
    with planting("embed_tokens", lambda tensor: tensor.fill_(math.nan)):
        report = measured(Case("qwen3"))
    assert report["status"] == "non_finite"
    assert report["global_max"] is None
    assert report["max_by_role"] == {}
    assert set(report["domains"].values()) == {None}
    for row in report["sites"]:
        assert row["num_nan"] == row["count"] > 0
        assert row["min"] is row["max"] is row["abs_max"] is row["mean"] is None
        assert row["top"] == []
    assert all(row["threshold"] is None for row in report["quantization"]["formats"])
    assert all(row["reason"] for row in report["quantization"]["formats"])
    assert report_bytes(report)


def test_an_overflow_of_float16_is_an_excess_of_float16(measured):
    def overflow(tensor):
        tensor[0, 0, 7] = torch.inf

    with planting("layers.1.mlp", overflow):
        report = measured(Case("qwen3", dtype="float16"))
    row = next(r for r in report["sites"] if (r["role"], r["layer"]) == ("mlp_output", 1))
    assert row["num_inf"] > 0
    assert report["dtype_headroom"]["float16"]["exceeded"]
