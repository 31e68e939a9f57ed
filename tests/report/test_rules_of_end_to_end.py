"""Rules about losses of rounding, each asked alone; every one is silent about a true report."""

import copy

from end_to_end_reports import end_to_end_report, unknown
from report.rule_cases import DROP, said, surprises

from hubmaxact.report.consistency import end_to_end

BASE = end_to_end_report()
FOUND, ROWS = "end_to_end", "end_to_end/rows"
FIRST, THIRD = f"{ROWS}/0", f"{ROWS}/2"
TOKENS = BASE["protocol"]["corpus"]["num_tokens"]
ROW = BASE["end_to_end"]["rows"][0]

CASES = [
    (end_to_end.losses_were_asked_for, {}, []),
    (end_to_end.losses_were_asked_for, {FOUND: DROP}, []),
    (end_to_end.losses_were_asked_for, {"protocol/profile": "paper"},
     ['end_to_end: is given, but protocol.profile is "paper"']),
    (end_to_end.losses_were_asked_for, {f"{FOUND}/num_tokens": TOKENS},
     [(f"end_to_end.num_tokens: is {TOKENS} beside the first tokens of 256 texts, but the corpus "
       f"has {TOKENS} tokens")]),
    (end_to_end.losses_were_asked_for, {f"{FOUND}/num_tokens": 255},
     ["end_to_end.num_tokens: is 255, but num_samples is 256"]),
    (end_to_end.rounded_rows_are_of_a_known_kind, {}, []),
    (end_to_end.rounded_rows_are_of_a_known_kind, {FOUND: DROP}, []),
    (end_to_end.rounded_rows_are_of_a_known_kind, {f"{ROWS}/4": ROW},
     ["end_to_end.rows[4]: repeats an earlier row"]),
    (end_to_end.rounded_rows_are_of_a_known_kind, {f"{THIRD}/convention": "as we like"},
     [('end_to_end.rows[2].convention: is "as we like", which is not "scale = 1, x clamped to '
       '+-448 (saturatin... (42 characters)"')]),
    (end_to_end.rounded_rows_are_of_a_known_kind, {f"{THIRD}/target": "residual"},
     [('end_to_end.rows[2]: rounds residual by "float8_e4m3fn/per_tensor/unscaled", which is not '
       "measured")]),
    (end_to_end.rounded_rows_agree, {}, []),
    (end_to_end.rounded_rows_agree, {FOUND: DROP}, []),
    (end_to_end.rounded_rows_agree, {FIRST: unknown(ROW, "no threshold")}, []),
    (end_to_end.rounded_rows_agree, {f"{FIRST}/num_tokens": 16384},
     ["end_to_end.rows[0].num_tokens: is 16384, but end_to_end.num_tokens is 8192"]),
    (end_to_end.rounded_rows_agree, {f"{FIRST}/reason": "no threshold"},
     [f"end_to_end.rows[0].{name}: must be null exactly when a reason is given"
      for name in ("loss", "loss_change", "kl_divergence", "top1_agreement")]),
    (end_to_end.rounded_rows_agree,
     {f"{FOUND}/loss": None, **{f"{ROWS}/{n}": unknown(ROW, "not finite") for n in (1, 2, 3)}},
     ["end_to_end.rows[0].loss: is 2.75, but end_to_end.loss is null"]),
    (end_to_end.rounded_rows_agree, {f"{FIRST}/loss_change/mean": 0.2500001},
     [("end_to_end.rows[0].loss_change.mean: is 0.2500001, but loss is 2.75 and was 2.5 "
       "unrounded")]),
    # Cancellation of two sums near 2.5 leaves the difference so far off.
    (end_to_end.rounded_rows_agree, {f"{FIRST}/loss_change/mean": 0.25 + 1e-15}, []),
]  # fmt: skip


def test_each_rule_says_what_it_finds():
    assert surprises(CASES, BASE) == []


def test_an_old_report_has_nothing_to_say():
    older = copy.deepcopy(BASE)
    del older["end_to_end"]
    assert said(end_to_end.rounded_rows_agree, {}, older) == []
