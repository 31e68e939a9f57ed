"""What an export tells its user: what a model's engine will not do, and nothing of other models."""

import re
from pathlib import Path

import deployed_reports
import pytest

from hubmaxact.engine_files import compressed_tensors_kv as kv
from hubmaxact.engine_files import onnxruntime_genai_kv as genai
from hubmaxact.engine_files.request import Choices, Measured

DOCS = Path(__file__).parents[2] / "docs" / "export.md"


def notes(make, rotary=None, **model):
    report = deployed_reports.deployment_report(model=model)
    for row in report["kv"]:
        row["rotary"] = rotary
    return make(Measured(report, "0" * 64), Choices()).notes


@pytest.mark.parametrize("model_type", kv.WITHOUT_TRANSFORMERS)
def test_a_family_that_transformers_has_no_place_for_is_told(model_type):
    (note,) = notes(kv.make, model_type=model_type)
    title = kv.WITHOUT_TRANSFORMERS[model_type]
    assert note.startswith(f"transformers cannot use these scales in {title}, ")


@pytest.mark.parametrize("model_type", ["llama", "qwen3", "gpt_bigcode"])
def test_of_other_families_nothing_is_said(model_type):
    assert notes(kv.make, model_type=model_type) == ()


def test_the_page_names_the_same_families():
    (said,) = re.findall(
        r"`past_key_values` \(not ([^)]*?), as the export\s+says\)", DOCS.read_text()
    )
    assert set(re.split(r", | or ", said)) == set(kv.WITHOUT_TRANSFORMERS.values())


@pytest.mark.parametrize(
    ("rotary", "expected"),
    [
        ({"pairs": "none", "channels": 0}, ()),
        ({"pairs": "halves", "channels": 16}, (genai.ROTATION_NOTE,)),
        (None, (genai.ROTATION_NOTE,)),
    ],
)
def test_keys_turn_only_where_the_report_says_so_or_does_not_know(rotary, expected):
    assert notes(genai.make, rotary) == expected
