"""A comparison says of each release what its card says of fitting, and what is alike once."""

import json

import deployed_reports
import example_reports
import pytest
from pooled_reports import pooled_report

from comparison.releases import first_release, inputs
from comparison.test_rendering import CASES, made, printed
from hubmaxact.comparison import to_json, to_markdown
from hubmaxact.comparison.build import compare_inputs
from hubmaxact.comparison.verdict_tables import verdicts as table
from hubmaxact.rendering import summary
from hubmaxact.rendering.escape import code, text
from hubmaxact.rendering.fit.verdicts import NOTE, verdicts

SIDE_BY_SIDE = [name for name in CASES if name != "eight"]


def told(comparison):
    return table(comparison, str, str)


@pytest.mark.parametrize("name", CASES)
def test_the_json_has_of_each_release_what_its_card_says(name):
    document = json.loads(to_json.render(made(name)))
    for place, report in enumerate(CASES[name]()):
        found = {row["title"]: row["cells"][place] for row in document["verdicts"]}
        for each in verdicts(report, str):
            cell = found.pop(each.title)
            assert list(cell.values()) == [
                each.word,
                each.standing,
                each.number or None,
                each.condition or None,
                each.module or None,
                each.lowest_db,
            ]
        assert not found


@pytest.mark.parametrize("name", SIDE_BY_SIDE)
def test_each_number_condition_and_module_of_a_card_stands_in_the_table(name):
    said = to_markdown.render(made(name)).split("**Will it fit?**")[1].split("**Largest value")[0]
    for report in CASES[name]():
        for each in verdicts(report, code):
            assert all(part in said for part in (each.word, each.number, each.where)), each
        for each in verdicts(report, str):
            assert text(each.condition) in said


def test_the_words_of_the_card_are_those_of_the_comparison():
    """What a card's own table says in a cell, the comparison says too, but for its first letter."""
    report = pooled_report()
    said = to_markdown.render(compare_inputs(inputs(report, report)))
    lines = summary.render(report).splitlines()
    cells = next(line.split(" | ") for line in lines if line.startswith("| **fp16"))
    assert cells[2][1:] in said
    assert cells[3].removesuffix(" |") in said


def test_reports_that_say_the_same_share_a_line():
    fp16, *_ = told(compare_inputs(inputs(*[pooled_report()] * 3))).rows
    assert fp16[:3] == ("fp16", "A, B, C", "exceeded")


def test_formats_that_were_not_measured_stand_together_at_the_end():
    rows = told(made("deployed")).rows
    assert [row[0] for row in rows if row[2] == "not measured"] == [
        "FP8 weights and activations, INT8, 4-bit",
        "FP8 weights and activations, INT8, 4-bit, FP8 KV cache",
    ]
    assert [row[1] for row in rows[-2:]] == ["C", "D"]


def test_a_report_of_the_first_schema_says_why_it_knows_nothing():
    last = told(compare_inputs(inputs(first_release(), first_release()))).rows[-1]
    assert last[1:3] == ("A, B", "not measured")
    assert last[3].startswith("profile paper looks at no linear input")


def test_the_bounds_of_the_words_are_told_where_errors_were_measured():
    assert told(made("deployed")).note == NOTE
    assert told(made("models")).note == ""


def test_the_terminal_says_all_of_it_in_one_piece():
    said = printed(made("deployed"), width=80)
    part = said.split("Will it fit?\n")[1].split("Errors are those")[0]
    assert part.count("because") == 1
    for module in ("model.layers.1", "model.layers.0.self_attn", "model.layers.3.self_attn"):
        assert module in part
    for each in verdicts(pooled_report(), str):
        assert each.word in part


def test_a_reason_that_means_harm_is_made_harmless():
    report = deployed_reports.deployment_report(rounded=True)
    for row in report["quantization"]["pooled"]:
        row.update(sqnr_db=None, reason="<script> \x1b[31m | x", worst=[])
    comparison = compare_inputs(
        inputs(report, example_reports.dense_report()), across_protocols=True
    )
    assert "<script>" not in to_markdown.render(comparison)
    assert "\x1b" not in printed(comparison)
