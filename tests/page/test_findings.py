"""The paper's findings stand on the page as its own values give them, and nothing is overstated."""

import json

import pytest
from page.rows import PAPER, hostile_rows, many, page_data_of, row

from hubmaxact.page.findings.finding import MOST_LINES, MOST_POINTS


def findings(rows):
    return page_data_of(rows).findings()


def by_id(rows, scope):
    return {each["id"]: each for each in findings(rows)["findings"][scope]}


THE_PAPERS = by_id(PAPER, "paper")


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("fp16", "4 of 24", "gemma-3-27b-it, 696,320, which is 10.6 times 65,504"),
        ("span", "3.76", "122 (Qwen3.5-0.8B), the largest 696,320 (gemma-3-27b-it): 5,708 times"),
        ("carriers", "22 of 24", "Counting tensors that tie with the first, 23 of 24."),
        ("moe", "14.0 to 23.4", "23.4 and 14.0"),
        ("stages", "1.54", "1.54"),
        ("int8", "+0.12", "+0.12"),
    ],
)
def test_the_papers_main_24_give_the_papers_answers(name, answer, said):
    found = THE_PAPERS[name]
    assert found["answer"] == answer
    assert answer in found["title"]
    assert said in " ".join(found["sentences"])
    assert found["basis"].endswith(" of 1 protocol")
    assert found["table"]["rows"]
    assert all(len(line) == len(found["table"]["head"]) for line in found["table"]["rows"])


def test_a_finding_says_what_it_rests_on():
    assert THE_PAPERS["span"]["basis"] == "rests on 24 reports of 1 protocol"
    assert THE_PAPERS["moe"]["basis"] == "rests on 4 reports of 1 protocol"
    assert THE_PAPERS["int8"]["basis"] == "rests on 8 reports of 1 protocol"
    assert "2 pairs: too few for a rule." in THE_PAPERS["moe"]["sentences"]


def test_first_tokens_are_spoken_of_where_a_report_tells():
    rows = [
        row("a", 100.0, abs_max_after_first_token=49.0),
        row("b", 100.0, abs_max_after_first_token=50.0),
        row("c", 100.0),
    ]
    said = "Without first tokens, M is less than half in {} of {}."
    told = by_id(rows, "all")["carriers"]["sentences"]
    assert said.format(1, "2 releases that tell") in told
    told = by_id(rows[:1], "all")["carriers"]["sentences"]
    assert said.format(1, "1 release that tells") in told
    assert "first tokens" not in " ".join(by_id(rows[2:], "all")["carriers"]["sentences"])


def test_errors_of_deployed_formats_are_spoken_of_where_a_report_tells():
    rows = [
        row("a", fit_fp8="small error", fit_int8="moderate error", fit_4bit="not measured"),
        row("b", fit_fp8="large loss", fit_int8="small loss"),
        row("copied", trust="copied", fit_fp8="small error"),
        row("c", fit_fp8="not known"),
    ]
    said = "the error or loss is small in FP8 for 1 of 2 releases, in INT8 for 1 of 2 releases."
    assert said in " ".join(by_id(rows, "all")["int8"]["sentences"])
    assert "kernels round" not in " ".join(by_id(rows[2:], "all")["int8"]["sentences"])


def test_the_tables_hold_the_numbers():
    assert THE_PAPERS["carriers"]["table"]["rows"][0] == ["hidden state", 22, 23]
    (first, _) = THE_PAPERS["moe"]["table"]["rows"]
    assert first[:4] == ["Qwen3-32B", 35328.0, "Qwen3-30B-A3B", 1512.0]
    assert [line[1] for line in THE_PAPERS["int8"]["table"]["rows"]] == [0.12, 0.67, -0.55, 0.81]
    assert [line[3] for line in THE_PAPERS["stages"]["table"]["rows"]] == [7648, 9024, 10112, 11776]


def test_the_papers_pairs_of_base_and_tuned_rest_on_all_27_and_say_so():
    found = THE_PAPERS["tuned"]
    assert found["answer"] == by_id(PAPER, "all")["tuned"]["answer"] == "0.995 to 1.39"
    assert "has 24 checkpoints; this rests on all 27" in " ".join(found["sentences"])
    assert THE_PAPERS["span"]["basis"] == "rests on 24 reports of 1 protocol"


@pytest.mark.parametrize(
    ("rows", "first"), [(PAPER, "paper"), ([row("a")], "measured"), ([], "all")]
)
def test_the_population_shown_first_is_one_that_has_reports(rows, first):
    assert findings(rows)["first"] == first


def test_a_release_beyond_fp16_in_a_gate_alone_is_beyond_in_every_picture():
    gate = row("g", 9000.0, max_mlp_gate=90000.0, exceeds_float16=True)
    found = by_id([gate, row("m", 70000.0), row("s", 2.0)], "measured")["fp16"]
    series = {each["label"]: each["points"] for each in found["chart"]["series"]}
    assert [(p["label"], p["level"]) for p in series["beyond fp16"]] == [
        ("m", "beyond"),
        ("g", "beyond"),
    ]
    assert found["answer"] == "2 of 3"
    assert "1 of them exceed it in a tensor beside M alone" in " ".join(found["sentences"])


def test_the_populations_say_their_size():
    said = findings([*PAPER, row("a"), row("b", trust="copied"), row("c", status="partial")])
    assert {scope["id"]: scope["basis"] for scope in said["scopes"]} == {
        "paper": "24 reports, 1 protocol",
        "measured": ("1 report, 1 protocol; 2 left aside: not complete, copied or without M"),
        "all": "28 reports, 2 protocols; 2 left aside: not complete, copied or without M",
    }
    assert list(said["findings"]) == ["paper", "measured", "all"]


def test_pooled_protocols_are_told_where_values_are_pooled_and_only_there():
    found = by_id([*PAPER, row("a")], "all")
    pooled = {
        name for name, each in found.items() if "2 protocols are pooled" in str(each["sentences"])
    }
    assert pooled == {"fp16", "span", "carriers"}


@pytest.mark.parametrize("rows", [[], [row("a", None), row("b", 0.0)]])
def test_nothing_to_compute_is_said_and_is_not_zero(rows):
    for each in by_id(rows, "measured").values():
        assert each["answer"] is None
        assert each["basis"] == "rests on no report"
        assert each["sentences"][0]
        assert each["chart"] is None


def test_a_peak_whose_place_is_unknown_is_not_counted_as_elsewhere():
    found = by_id([row("a"), row("b", carrier_role=None, tied_roles=None)], "measured")
    assert found["carriers"]["answer"] == "1 of 1"
    assert "Of 1 more report the place is not known." in found["carriers"]["sentences"]


def test_two_releases_are_no_correlation():
    rows = [row(f"{n}", float(n + 1), int8_max_abs_sqnr_db=float(n)) for n in range(3)]
    assert by_id(rows[:2], "measured")["int8"]["answer"] is None
    assert by_id(rows, "measured")["int8"]["answer"] == "+1.00"


def test_of_many_pairs_the_median_is_told_with_the_range():
    rows = []
    for n in range(9):
        family = {"family": f"F{n}", "size": 10**9}
        rows.append(row(f"d{n}", 2.0 ** (n + 1), architecture="dense", **family))
        rows.append(row(f"m{n}", 1.0, architecture="moe", **family))
    found = by_id(rows, "measured")["moe"]
    assert found["answer"] == "32.0"
    assert "9 pairs, which reach from 2.00 to 512; in 9 of them" in found["sentences"][0]


def test_long_tables_and_charts_are_cut_and_say_so():
    found = by_id([row(f"{n}", n + 1.0, size=n + 1) for n in range(1000)], "measured")
    table = found["fp16"]["table"]["rows"]
    assert len(table) == MOST_LINES
    assert "The table leaves out 900 further lines." in found["fp16"]["sentences"]
    (series,) = found["span"]["chart"]["series"]
    assert len(series["points"]) == MOST_POINTS
    assert (series["points"][0]["y"], series["points"][-1]["y"]) == (1.0, 1000.0)
    assert "about 400 points" in found["span"]["sentences"][-1]


@pytest.mark.parametrize("rows", [many(200), hostile_rows(), [*PAPER, *hostile_rows()]])
def test_findings_are_json_and_hold_no_character_that_hides(rows):
    text = json.dumps(findings(rows), allow_nan=False, ensure_ascii=False)
    assert not set("\u202e\0\ufeff\t\r") & set(text)


def test_ratios_beyond_all_numbers_are_unknown():
    family = {"family": "F", "size": 10**9}
    rows = [
        row("d", 1e308, architecture="dense", **family),
        row("m", 5e-324, architecture="moe", **family),
    ]
    found = by_id(rows, "measured")
    assert found["moe"]["answer"] is None
    assert found["moe"]["table"]["rows"][0][-1] is None
    json.dumps(found, allow_nan=False)
