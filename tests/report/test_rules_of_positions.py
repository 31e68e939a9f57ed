"""Rules about the positions of maxima, each asked alone."""

import copy

from invalid_report_files import POOLED
from report.rule_cases import DROP, said, surprises

from hubmaxact.report.consistency import by_position as rules

BASE = copy.deepcopy(POOLED)
M = BASE["global_max"]["abs_max"]
BY_TEXT = "stability/by_text"
ROWS, SAID = f"{BY_TEXT}/by_position", "stability.by_text.by_position"
SITE = next(n for n, s in enumerate(BASE["sites"]) if s["abs_max"] == M)
OLDER = {ROWS: DROP}
LAST = {"first_position": 16384, "last_position": None, "abs_max": 1.0, "num_texts_peaking": 0,
        "num_texts_reaching_max": 0}  # fmt: skip
BETWEEN = [
    {"first_position": 1 << n, "last_position": (2 << n) - 1, "abs_max": None,
     "num_texts_peaking": 0, "num_texts_reaching_max": 0}
    for n in (12, 13)
]  # fmt: skip
ALL_ROWS = [*BASE["stability"]["by_text"]["by_position"], *BETWEEN, LAST]

SHAPE = [
    (rules.positions_double, OLDER, []),
    (rules.positions_double, {ROWS: []}, []),
    (rules.positions_double, {ROWS: ALL_ROWS, "protocol/max_seq_len": 32768}, []),
    (rules.positions_double, {ROWS: ALL_ROWS},
     [f"{SAID}[15].first_position: is 16384, but protocol.max_seq_len is 4096"]),
    (rules.positions_double, {f"{ROWS}/0/last_position": 1},
     [f"{SAID}[0]: is of positions 0 to 1, expected 0 to 0"]),
    (rules.positions_double, {f"{ROWS}/5/last_position": None},
     [f"{SAID}[5]: is of positions 16 and later, expected 16 to 31"]),
    (rules.positions_double, {f"{ROWS}/12/abs_max": None},
     [f"{SAID}[12].abs_max: is null, but the last row must hold a value"]),
    (rules.positions_double, {f"{ROWS}/6/abs_max": None}, []),
    (rules.positions_double, {"protocol/max_seq_len": 2048},
     [f"{SAID}[12].first_position: is 2048, but protocol.max_seq_len is 2048"]),
]  # fmt: skip

WITH_TEXTS = [
    (rules.positions_agree_with_texts, OLDER, []),
    (rules.positions_agree_with_texts, {f"{ROWS}/0/abs_max": 2 * M},
     [f"{SAID}: reaches {2 * M}, but all_tokens.abs_max is {M}"]),
    (rules.positions_agree_with_texts, {f"{ROWS}/12/abs_max": 6000.0},
     [f"{SAID}: reaches 6000.0, but after_first_token.abs_max is 10368.0"]),
    (rules.positions_agree_with_texts, {ROWS: []},
     [f"{SAID}: reaches None, but all_tokens.abs_max is {M}",
      f"{SAID}: reaches None, but after_first_token.abs_max is 10368.0",
      f"{SAID}: has 0 texts, but all_tokens.num_texts is 5000",
      f"{SAID}[0].num_texts_peaking: is 0, but num_texts_peaking_at_first_token is 4988"]),
    (rules.positions_agree_with_texts,
     {f"{ROWS}/0/num_texts_peaking": 4987, f"{ROWS}/1/num_texts_peaking": 3},
     [f"{SAID}[0].num_texts_peaking: is 4987, but num_texts_peaking_at_first_token is 4988"]),
]  # fmt: skip

REACHING = [
    (rules.positions_that_reach_m, OLDER, []),
    (rules.positions_that_reach_m, {f"{ROWS}/0/num_texts_reaching_max": 699},
     [f"{SAID}: has 699 texts that reach M, but reached_by has 700"]),
    (rules.positions_that_reach_m, {f"{ROWS}/0/num_texts_reaching_max": 701},
     [f"{SAID}[0].num_texts_reaching_max: is 701, but the counts allow 1 to 700"]),
    (rules.positions_that_reach_m, {f"{ROWS}/4/num_texts_reaching_max": 1},
     [f"{SAID}[4].num_texts_reaching_max: is 1, but the counts allow 0 to 0"]),
    (rules.positions_that_reach_m,
     {f"{ROWS}/4/num_texts_reaching_max": 600, f"{ROWS}/4/abs_max": M}, []),
    (rules.positions_that_reach_m,
     {f"{ROWS}/0/num_texts_peaking": 500, f"{ROWS}/1/num_texts_peaking": 4490},
     [f"{SAID}[0].num_texts_reaching_max: is 700, but the counts allow 1 to 500"]),
    (rules.positions_that_reach_m, {f"{ROWS}/11/abs_max": None},
     [f"{SAID}[11].abs_max: is null, but texts have their largest value there"]),
]  # fmt: skip

SHOWN = [
    (rules.positions_hold_what_is_shown, {**OLDER, f"sites/{SITE}/top/0/token_position": 9}, []),
    (rules.positions_hold_what_is_shown, {f"sites/{SITE}/top/0/token_position": 9},
     [f"{SAID}[4].abs_max: is 40.5, but hidden_state shows {M} at 9"]),
    (rules.positions_hold_what_is_shown, {f"sites/{SITE}/top/0/token_position": 5000},
     [f"{SAID}[13].abs_max: is None, but hidden_state shows {M} at 5000"]),
    (rules.positions_hold_what_is_shown,
     {ROWS: ALL_ROWS, f"sites/{SITE}/top/0/token_position": 1 << 20},
     [f"{SAID}[15].abs_max: is 1.0, but hidden_state shows {M} at 1048576"]),
]  # fmt: skip


def test_rows_are_stretches_that_double():
    assert surprises(SHAPE, BASE) == []


def test_rows_are_those_of_all_texts():
    assert surprises(WITH_TEXTS, BASE) == []


def test_texts_that_reach_m_are_held_to_where_they_peak():
    assert surprises(REACHING, BASE) == []


def test_values_with_coordinates_are_held_to_their_stretch():
    assert surprises(SHOWN, BASE) == []


def test_profile_paper_has_no_such_rows():
    for rule, *_ in (*SHAPE, *WITH_TEXTS, *REACHING, *SHOWN):
        assert said(rule, {}) == []
