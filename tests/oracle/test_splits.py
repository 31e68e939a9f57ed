"""Too few samples make INT-8 rows null with the reason; numbers are never scaled up."""

import pytest

from hubmaxact.report.write import report_bytes
from oracle.cases import Case

NULL = ("threshold", "sum_sq", "err_sq", "sqnr_db", "rel_rmse", "rel_mae", "clip_rate")


@pytest.mark.by_day("30-11", "41-0", "0-16")
@pytest.mark.parametrize(
    ("calibration", "evaluation"), [(128, 256), (30, 11), (41, 0), (0, 16), (8, 0), (24, 17)]
)
def test_rows_without_enough_samples_are_null_with_the_reason(measured, calibration, evaluation):
    report = measured(Case("qwen3"), calibration_samples=calibration, evaluation_samples=evaluation)
    rows = report["quantization"]["formats"]
    assert len(rows) >= 8
    for row in rows:
        assert [row[name] for name in NULL] == [None] * len(NULL)
        assert row["count"] == 0
        assert row["reason"]
    assert report["status"] == "complete"
    assert report_bytes(report)


def test_a_corpus_of_exactly_both_splits_is_enough(measured):
    report = measured(Case("qwen3"), calibration_samples=30, evaluation_samples=10)
    for row in report["quantization"]["formats"]:
        assert row["reason"] is None
        assert row["sqnr_db"] > 0


def test_splits_change_neither_maxima_nor_which_samples_count(measured):
    one = measured(Case("qwen3", budget=4096), calibration_samples=8, evaluation_samples=16)
    other = measured(Case("qwen3", budget=4096), calibration_samples=20, evaluation_samples=5)
    for first, second in zip(one["sites"], other["sites"], strict=True):
        assert first["count"] == second["count"]
    assert one["protocol"]["batch_plan_digest"] != other["protocol"]["batch_plan_digest"]
