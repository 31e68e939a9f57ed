"""What is measured contradicts nothing: the validator's rules hold for every true report."""

import pytest

from hubmaxact.report.consistency import contradictions
from hubmaxact.report.write import report_bytes
from oracle.cases import Case

FAMILIES = ("qwen3", "gemma2", "qwen3_moe", "gpt_oss", "qwen3_next", "lfm2")


@pytest.mark.by_day(
    "qwen3-bfloat16",
    "gemma2-float16",
    "qwen3_moe-float32",
    "gpt_oss-bfloat16",
    "qwen3_next-float32",
    "lfm2-float16",
)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_measured_report_contradicts_nothing(measured, name, dtype):
    report = measured(Case(name, dtype=dtype))
    assert list(contradictions(report)) == []
    assert report_bytes(report)


@pytest.mark.parametrize("splits", [(0, 0), (1, 0), (1, 1)])
def test_a_single_text_contradicts_nothing(measured, splits):
    calibration, evaluation = splits
    report = measured(
        Case("qwen3_moe", specials="none"),
        num_samples=1,
        calibration_samples=calibration,
        evaluation_samples=evaluation,
    )
    assert list(contradictions(report)) == []
