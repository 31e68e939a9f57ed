"""Where texts have their largest |x|: one sentence of it, and the whole table in a card."""

import copy

import deployed_reports
import pytest

from hubmaxact.rendering import certainty_words, position_words, section

REPORT = deployed_reports.deployment_report(rounded=True)


def row(first, last, peaking, reaching, abs_max=1.0):
    return {
        "first_position": first,
        "last_position": last,
        "abs_max": abs_max,
        "num_texts_peaking": peaking,
        "num_texts_reaching_max": reaching,
    }


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (None, None),
        ([], None),
        ([row(0, 0, 1, 1)], "at the first token in 1 of 1 text; M is reached at the first token"),
        ([row(1, 1, 1, 1)], "at position 1 in 1 of 1 text; M is reached at position 1"),
        (
            [row(0, 0, 29, 3), row(1, 1, 1, 0), row(2, 3, 2, 1)],
            ("at the first token in 29 of 32 texts, at positions 2 to 3 in 2 and at position 1 in "
             "1; M is reached at the first token and positions 2 to 3"),
        ),
        (
            [row(0, 0, 4, 0), row(1, 1, 3, 0), row(2, 3, 9, 0), row(4, 7, 2, 0),
             row(16384, None, 1, 1)],
            ("at positions 2 to 3 in 9 of 19 texts, at the first token in 4, at position 1 in 3 "
             "and elsewhere in 3; M is reached at positions 16,384 and later"),
        ),
    ],
)  # fmt: skip
def test_where_most_texts_peak_and_where_m_is_reached(rows, said):
    report = copy.deepcopy(REPORT)
    del report["stability"]["by_text"]["by_position"]
    if rows is not None:
        report["stability"]["by_text"]["by_position"] = rows
    told = None if said is None else f"a text's largest |x| is {said}"
    assert position_words.sentence(report) == told
    told = "" if said is None else f"A{told[1:]}."
    assert told in " ".join(certainty_words.sentences(report, str))


def test_what_first_tokens_alone_hold_is_told_once():
    report = copy.deepcopy(REPORT)
    found = report["stability"]["by_text"]
    found["by_position"] = [row(0, 0, 5000, 5000)]
    assert position_words.sentence(report) is not None  # some hold it at other tokens, too
    found["num_texts_peaking_at_first_token"] = found["all_tokens"]["num_texts"]
    assert position_words.sentence(report) is None


def test_the_card_shows_every_stretch():
    block = section.render(REPORT).split("**How sure M is**")[1].split("**Massive")[0]
    rows = [line for line in block.splitlines() if line.startswith("|")][-15:]
    assert rows[0] == ("| positions | texts that peak there | texts that reach M | largest value |")
    assert rows[2:5] == ["| 0 | 4,990 | 700 | 82,944 |", "| 1 | 0 | 0 | 5.062 |",
                         "| 2 to 3 | 0 | 0 | 10.12 |"]  # fmt: skip
    assert rows[-1] == "| 2,048 to 4,095 | 6 | 0 | 10,368 |"


def test_a_stretch_without_a_finite_value_has_none_in_the_table():
    report = copy.deepcopy(REPORT)
    report["stability"]["by_text"]["by_position"][1]["abs_max"] = None
    assert "| 1 | 0 | 0 | - |" in position_words.markdown(report)
