"""How sure M is stands side by side: what the cards say, and where one knows nothing."""

import json

import deployed_reports
import example_reports
import pytest
from pooled_reports import pooled_report

from comparison.releases import first_release, inputs
from comparison.test_rendering import CASES, made, printed
from hubmaxact.comparison import to_json, to_markdown
from hubmaxact.comparison.build import compare_inputs
from hubmaxact.comparison.certainty_table import certainty
from hubmaxact.rendering import certainty_words
from hubmaxact.rendering.escape import text


def table(*reports, across=False):
    return certainty(compare_inputs(inputs(*reports), across_protocols=across), str)


def lines(found):
    return {row[0]: row[1:] for row in found.rows}


def with_tail():
    """A release whose M of more texts can be inferred."""
    report = pooled_report()
    blocks = report["stability"]["by_text"]
    blocks["all_tokens"]["tail"] = {**blocks["after_first_token"]["tail"], "low": 103_936.0}
    blocks["all_tokens"]["tail"]["high"] = 150_528.0
    blocks["all_tokens"]["reason"] = None
    return report


def test_figures_of_two_releases_stand_side_by_side():
    said = lines(table(pooled_report(), with_tail()))
    assert said["M"] == ("103,936", "103,936")
    assert said["a random half of the texts"] == ("102,897 (99 %)",) * 2
    assert said["without first tokens"] == ("12,992 (12.5 %)",) * 2
    assert said["texts that reach M"] == ("700 of 5,000",) * 2
    assert said["inferred of more texts"] == ("not inferred", "103,936 to 150,528")


def test_the_figures_are_those_of_the_cards_sentences():
    report = with_tail()
    said = lines(table(report, report))
    half, first = certainty_words.half_of_the_texts(report), certainty_words.first_tokens(report)
    for sentence, row in ((half, "a random half of the texts"), (first, "without first tokens")):
        value, share = said[row][0].removesuffix(")").split(" (")
        assert f"{value}, {share} of M" in sentence.replace(" on average", "")
    low, high = said["inferred of more texts"][0].split(" to ")
    assert f"from {low} to {high}" in certainty_words.inferred(report, str)


def test_how_far_an_inference_goes_is_told_in_the_cards_words_and_alike_ones_once():
    found, report = table(pooled_report(), pooled_report(), with_tail()), pooled_report()
    assert f"A, B: {certainty_words.inferred(report, str)}." in found.note
    assert f"C: {certainty_words.inferred(with_tail(), str)}." in found.note


def test_a_report_that_lacks_it_says_so_and_why():
    said = table(pooled_report(), first_release(), across=True)
    for row in list(lines(said).values())[2:]:
        assert row[1] == "not measured"
    assert "B: profile paper keeps no maxima of single texts" in said.note
    assert lines(said)["range / mean over subsets"][1] == "2.83 % (5 of 2,000)"


def test_an_older_report_of_the_same_profile_gives_its_own_reason():
    older = deployed_reports.deployment_report(18)
    del older["stability"]["by_text"]
    said = table(pooled_report(), older)
    assert "B: this report was written before maxima of single texts were kept." in said.note


def test_where_no_report_has_any_one_line_says_it():
    said = table(first_release(), example_reports.few_samples_report(), across=True)
    assert lines(said)["single texts"] == ("not measured", "not measured")
    assert lines(said)["range / mean over subsets"][1] == "not measured"
    assert "B: no subsets: the corpus has fewer than 1,000 texts." in said.note


def test_without_a_finite_value_nothing_is_divided():
    report = deployed_reports.deployment_report(18)
    report["global_max"] = None
    for name in ("all_tokens", "after_first_token"):
        report["stability"]["by_text"][name].update(
            num_texts=0, abs_max=None, reached_by={}, saturation=[], tail=None, reason="nothing"
        )
    for cell in report["dtype_headroom"].values():
        cell["ratio"] = None
    said = lines(table(report, report))
    assert said["M"] == said["a random half of the texts"] == ("-", "-")
    assert said["without first tokens"] == ("-", "-")


@pytest.mark.parametrize("name", CASES)
def test_the_json_has_the_reports_own_blocks(name):
    document = json.loads(to_json.render(made(name)))
    for cell, report in zip(document["certainty"], CASES[name](), strict=True):
        found = report["stability"]
        assert cell["subsets"] == found["subsets"]
        assert cell["no_subsets"] == found["reason"]
        assert cell["by_text"] == found.get("by_text")
        assert (cell["not_by_text"] is None) == ("by_text" in found)


def test_all_three_outputs_say_it():
    comparison = made("deployed")
    for said in (printed(comparison), to_markdown.render(comparison)):
        part = said.split("How sure M is")[1]
        for word in ("12,992 (12.5 %)", "102,897 (99 %)", "not inferred", "not measured"):
            assert word in part


def test_a_reason_that_means_harm_is_made_harmless():
    report = pooled_report()
    harm = "<script> \x1b[31m | @somebody"
    report["stability"]["by_text"]["all_tokens"]["reason"] = harm
    report["stability"]["reason"] = harm
    comparison = compare_inputs(inputs(report, report))
    assert text(harm).replace("|", "&#124;") in to_markdown.render(comparison)
    assert "<script>" not in to_markdown.render(comparison)
    assert "\x1b" not in printed(comparison)
