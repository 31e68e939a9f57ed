"""What is counted, what first tokens hold and what is inferred: each in a sentence that says so."""

import copy

import deployed_reports
import example_reports
import pytest

from hubmaxact.rendering import certainty_words, section
from hubmaxact.rendering.terminal import show

REPORT = deployed_reports.deployment_report()
M = REPORT["global_max"]["abs_max"]


def told(edit=lambda by_text: None, report=REPORT):
    report = copy.deepcopy(report)
    edit(report["stability"]["by_text"])
    return list(certainty_words.sentences(report, lambda word: f"<{word}>"))


def test_half_of_the_texts_and_a_further_one():
    assert told()[1] == (
        "A random half of the 5,000 texts reaches 82,115 on average, 99 % of M, and a further text "
        "like these exceeds M with a probability of at most 1 in 5,001."
    )


@pytest.mark.parametrize(
    ("reached", "said"),
    [
        ({"math": 1}, "1 text reaches M, of <math>."),
        ({"math": 700}, "700 texts reach M, of <math>."),
        ({"code": 2, "math": 9}, "11 texts reach M: 9 of <math>, 2 of <code>."),
        (
            {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5},
            "15 texts reach M: 5 of <e>, 4 of <d>, 3 of <c>, others of 2 more domains.",
        ),
        (
            {"a": 1, "b": 2, "c": 3, "d": 4},
            "10 texts reach M: 4 of <d>, 3 of <c>, 2 of <b>, others of 1 more domain.",
        ),
    ],
)
def test_domains_that_carry_m(reached, said):
    assert told(lambda by_text: by_text["all_tokens"].update(reached_by=reached))[0] == said


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (10368.0, "without first tokens the largest is 10,368, 12.5 % of M"),
        (M, "without first tokens M stays what it is"),
        (None, "no text has another token with a finite value"),
    ],
)
def test_what_first_tokens_hold(later, said):
    sentence = told(lambda by_text: by_text["after_first_token"].update(abs_max=later))[2]
    first = "In 4,988 of 5,000 texts the first token alone holds its largest |x|; "
    assert sentence == f"{first}{said}."


def test_what_is_inferred_says_so_and_what_is_not_says_why():
    assert told()[3] == (
        "Nothing is inferred beyond these texts: <4,812 texts tie with the 250 largest maxima or "
        "exceed them>. Inferred for all but first tokens: of 10 times as many texts like these, "
        "the largest lies from 10,368 to 20,736 with a probability of 90 % (generalized Pareto "
        "tail of the 251 largest)."
    )

    def with_tail(by_text):
        tail = by_text["after_first_token"]["tail"] | {"low": M, "high": 2 * M}
        by_text["all_tokens"] |= {"tail": tail, "reason": None}

    assert told(with_tail)[3] == (
        "Inferred, not measured: of 10 times as many texts like these, M lies from 82,944 to "
        "165,888 with a probability of 90 % (generalized Pareto tail of the 251 largest)."
    )


def test_nothing_is_said_of_what_was_not_looked_at_or_not_finite():
    assert list(certainty_words.sentences(example_reports.dense_report(), str)) == []
    nothing = {"num_texts": 0, "abs_max": None, "reached_by": {}, "saturation": [], "tail": None}
    nothing |= {"reason": "0 texts are too few"}
    said = told(lambda by_text: by_text.update(all_tokens=nothing, after_first_token=nothing))
    assert said == ["Nothing is inferred beyond these texts: <0 texts are too few>."]


def test_the_card_shows_the_last_doublings_beside_each_other():
    text = section.render(REPORT)
    block = text.split("**How sure M is**")[1].split("**")[0]
    rows = [row.strip("| ").split(" | ") for row in block.splitlines() if row.startswith("|")]
    assert rows[0] == ["texts, at random", "expected M", "without first tokens"]
    assert rows[2:] == [
        ["156", "78,879", "3,397"],
        ["312", "79,676", "4,247"],
        ["625", "80,480", "5,308"],
        ["1,250", "81,293", "6,636"],
        ["2,500", "82,115", "8,294"],
        ["5,000", "82,944", "10,368"],
    ]


def test_texts_of_one_token_leave_no_empty_last_row():
    report = copy.deepcopy(REPORT)
    later = report["stability"]["by_text"]["after_first_token"]
    later["saturation"][-1]["num_texts"] = later["num_texts"] = 4990
    assert "| 5,000 | 82,944 | 10,368 |" in section.render(report)
    later |= {"num_texts": 0, "abs_max": None, "reached_by": {}, "saturation": []}
    later |= {"tail": None, "reason": "0 texts are too few"}
    report["stability"]["by_text"]["num_texts_peaking_at_first_token"] = 5000
    assert "| 5,000 | 82,944 | - |" in section.render(report)


def test_the_terminal_says_the_same(capsys):
    from rich.console import Console

    show(REPORT, Console(width=2000))
    printed = capsys.readouterr().out
    assert f"How sure M is: {' '.join(certainty_words.sentences(REPORT, str))}\n" in printed
