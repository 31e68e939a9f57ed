"""A verdict is honest: what was exceeded and by how much, and never that something fits."""

import re

import example_reports
import pytest
from page.rows import PAPER, many, row

from hubmaxact.catalog.extract import row_of
from hubmaxact.formats import FP16_LIMIT
from hubmaxact.page import assets
from hubmaxact.page.verdict import verdict
from hubmaxact.rendering import numbers
from hubmaxact.rendering.fit.levels import NEAR


def said(**columns):
    found = verdict(row("k", **columns))
    return found["level"], found["words"]


def test_beyond_fp16_the_factor_and_the_place_are_told():
    by_name = {each["name"]: verdict(each) for each in PAPER}
    assert by_name["gemma-3-27b-it"] == {
        "level": "beyond",
        "words": "Hard in fp16: M = 696,320 is 10.6 times fp16's largest value, 65,504; the peak "
        "sits in the hidden state of layer 46.",
    }
    assert by_name["gpt-oss-20b"]["words"].endswith(
        "the peak sits in the MLP output of layer 23, tied with the hidden state."
    )
    assert by_name["Qwen3-32B"]["level"] == "near"
    assert by_name["Qwen3.5-0.8B"] == {
        "level": "within",
        "words": "Within fp16's range so far: no watched tensor exceeded 65,504 in 17,225,977 "
        "tokens, M = 122 being 0.186 % of it; the peak sits in the final norm; INT-8 diagnostic "
        "at M, max-abs scale: SQNR 29.1 dB.",
    }


@pytest.mark.parametrize(
    ("columns", "level", "words"),
    [
        ({"abs_max": 32752.0}, "near", "no watched tensor exceeded 65,504, M = 32,752"),
        ({"abs_max": 32751.0}, "within", "no watched tensor exceeded 65,504"),
        ({"abs_max": 65504.0}, "near", "being 100 % of it"),
        ({"abs_max": 10.0, "max_mlp_gate": -40000.0}, "near", "Little room"),
        (
            {"abs_max": 10.0, "max_mlp_gate": -131008.0, "exceeds_float16": True},
            "beyond",
            "the MLP gate's maximum = 131,008 is 2 times",
        ),
        (
            {"abs_max": 10.0, "exceeds_float16": True},
            "beyond",
            "infinity, or a value beyond",
        ),
        ({"abs_max": None}, "unknown", "no maximum is on record"),
        ({"abs_max": 10.0, "exceeds_float16": None}, "unknown", "no maximum is on record"),
        ({"status": "partial", "num_missing": 2}, "unknown", "2 expected tensors never seen"),
        ({"status": "non_finite"}, "unknown", "NaN or infinity occurred"),
        ({"status": "non_finite"}, "unknown", "the largest finite value sits in the"),
        ({"status": "partial"}, "unknown", "the largest value seen sits in the"),
        ({"status": "non_finite", "abs_max": 7e4}, "beyond", "1.07 times"),
        ({"carrier_role": None, "tied_roles": None}, "within", "of it."),
    ],
)
def test_levels_and_their_reasons(columns, level, words):
    found = said(**columns)
    assert found[0] == level
    assert words in found[1]


MAKERS = [getattr(example_reports, name) for name in dir(example_reports) if "_report" in name]


@pytest.mark.parametrize("make", MAKERS)
def test_every_report_has_one_sentence(make):
    sentence = verdict(row_of(make(), b"", key="k", name="n"))["words"]
    assert sentence.endswith(".")
    assert "None" not in sentence


def test_no_verdict_says_more_than_is_known():
    for each in [*PAPER, *many(300)]:
        found = verdict(each)
        assert not {"fit", "fits", "safe", "quality", "FP8"} & set(found["words"].split())
        if each["exceeds_float16"] is None or each["abs_max"] is None:
            assert found["level"] in {"unknown", "beyond"}


def test_the_browser_judges_by_the_same_limit():
    ruler = assets.read("ruler.js").decode()
    (limit,) = re.findall(r"const FP16 = ([\d.]+);", ruler)
    (parts,) = re.findall(r'magnitude >= FP16 / (\d+) \? "near"', ruler)
    assert (float(limit), 1 / int(parts)) == (FP16_LIMIT, NEAR)
    assert numbers.value(FP16_LIMIT) == "65,504"  # as the page's sentences write it
