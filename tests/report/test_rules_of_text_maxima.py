"""Rules about maxima of single texts, each asked alone."""

import copy

from invalid_report_files import DEPLOYED
from report.rule_cases import said, surprises

from hubmaxact.report.consistency import text_maxima

BASE = copy.deepcopy(DEPLOYED)
M = BASE["global_max"]["abs_max"]
LATER = BASE["stability"]["by_text"]["after_first_token"]["abs_max"]
FIRST, SECOND = list(BASE["domains"])[:2]
BY_TEXT, ALL = "stability/by_text", "stability/by_text/all_tokens"
AFTER, ALONE = f"{BY_TEXT}/after_first_token", f"{BY_TEXT}/num_texts_peaking_at_first_token"
NOTHING = {"num_texts": 0, "abs_max": None, "reached_by": {}, "saturation": [], "tail": None,
           "reason": "0 texts"}  # fmt: skip

WITH_M = [
    (text_maxima.text_maxima_agree_with_m, {f"{ALL}/abs_max": 1.0},
     [f"stability.by_text.all_tokens.abs_max: is 1.0, but global_max.abs_max is {M}"]),
    (text_maxima.text_maxima_agree_with_m, {f"{ALL}/reached_by": {FIRST: 1, SECOND: 2}},
     [(f"stability.by_text.all_tokens.reached_by.{SECOND}: is 2, but domains has another "
       "maximum")]),
    (text_maxima.text_maxima_agree_with_m, {f"{ALL}/reached_by": {}},
     [f"stability.by_text.all_tokens.reached_by.{FIRST}: is 0, but domains has another maximum"]),
    (text_maxima.text_maxima_agree_with_m,
     {"global_max": None, ALL: NOTHING, "domains": dict.fromkeys(BASE["domains"])}, []),
]  # fmt: skip

FIRST_TOKENS = [
    (text_maxima.first_tokens_agree, {ALONE: 700}, []),
    (text_maxima.first_tokens_agree, {ALONE: 699},
     [("stability.by_text.num_texts_peaking_at_first_token: is 699, but the two blocks allow 700 "
       "to 5000")]),
    (text_maxima.first_tokens_agree, {ALONE: 5001},
     [("stability.by_text.num_texts_peaking_at_first_token: is 5001, but the two blocks allow 700 "
       "to 5000")]),
    (text_maxima.first_tokens_agree, {ALONE: 0, f"{AFTER}/abs_max": M}, []),
    (text_maxima.first_tokens_agree, {AFTER: NOTHING, ALONE: 5000}, []),
    (text_maxima.first_tokens_agree, {AFTER: NOTHING},
     [("stability.by_text.num_texts_peaking_at_first_token: is 4988, but the two blocks allow 5000 "
       "to 5000")]),
    (text_maxima.first_tokens_agree, {f"{AFTER}/abs_max": 2 * M},
     [("stability.by_text.after_first_token: holds more than all_tokens, which it is part of")]),
    (text_maxima.first_tokens_agree, {f"{ALL}/num_texts": 4999},
     [("stability.by_text.after_first_token: holds more than all_tokens, which it is part of")]),
]  # fmt: skip

BLOCKS = [
    (text_maxima.text_maxima_agree, {AFTER: NOTHING}, []),
    (text_maxima.text_maxima_agree, {f"{ALL}/reached_by/{FIRST}": 851},
     [f"stability.by_text.all_tokens.reached_by.{FIRST}: is 851, but 850 texts were read"]),
    (text_maxima.text_maxima_agree, {f"{ALL}/num_texts": 5001},
     ["stability.by_text.all_tokens.num_texts: is 5001, but protocol.corpus.num_samples is 5000",
      f"stability.by_text.all_tokens.saturation: must end at 5001 texts with {M}"]),
    (text_maxima.text_maxima_agree, {f"{AFTER}/reached_by": {}},
     [("stability.by_text.after_first_token.num_texts: is 5000, but abs_max or reached_by says "
      "otherwise")]),
    (text_maxima.text_maxima_agree, {f"{ALL}/saturation": []},
     [f"stability.by_text.all_tokens.saturation: must end at 5000 texts with {M}"]),
    (text_maxima.text_maxima_agree, {f"{ALL}/saturation/11/num_texts": 5000},
     ["stability.by_text.all_tokens.saturation[11].num_texts: is 5000, and 5000 follows",
      (f"stability.by_text.all_tokens.saturation[11].expected: is {M * 0.99}, below 5000 / 5000 of "
      f"{M}")]),
    (text_maxima.text_maxima_agree, {f"{ALL}/saturation/11/expected": 1.5 * M},
     [(f"stability.by_text.all_tokens.saturation[11].expected: is {1.5 * M}, above that of more "
      f"texts, {M}")]),
    (text_maxima.text_maxima_agree, {f"{ALL}/saturation/11/expected": 0.9 * M},
     [(f"stability.by_text.all_tokens.saturation[10].expected: is {M * 0.99**2}, above that of "
      f"more texts, {0.9 * M}")]),
    (text_maxima.text_maxima_agree, {f"{AFTER}/saturation/12/num_texts": 4999},
     [f"stability.by_text.after_first_token.saturation: must end at 5000 texts with {LATER}"]),
    (text_maxima.text_maxima_agree, {f"{ALL}/reason": None},
     ["stability.by_text.all_tokens.reason: must be given exactly where tail is null"]),
    (text_maxima.text_maxima_agree, {f"{AFTER}/reason": "few"},
     ["stability.by_text.after_first_token.reason: must be given exactly where tail is null"]),
    (text_maxima.text_maxima_agree, {f"{AFTER}/tail/low": LATER / 2},
     [(f"stability.by_text.after_first_token.tail.abs_max: is {LATER}, above low, which is "
      f"{LATER / 2}")]),
    (text_maxima.text_maxima_agree, {f"{AFTER}/tail/num_distinct": 252},
     [("stability.by_text.after_first_token.tail.num_distinct: is 252, above num_texts, which is "
      "251")]),
    (text_maxima.text_maxima_agree, {f"{AFTER}/tail/num_texts": 5001},
     [("stability.by_text.after_first_token.tail.num_texts: is 5001, above num_texts of all, which "
      "is 5000")]),
]  # fmt: skip


def test_maxima_of_texts_are_held_to_m():
    assert surprises(WITH_M, BASE) == []


def test_maxima_after_first_tokens_are_held_to_those_of_all():
    assert surprises(FIRST_TOKENS, BASE) == []


def test_each_block_is_held_to_itself():
    assert surprises(BLOCKS, BASE) == []


def test_profile_paper_has_no_such_block():
    for rule, *_ in (*WITH_M, *FIRST_TOKENS, *BLOCKS):
        assert said(rule, {}) == []
