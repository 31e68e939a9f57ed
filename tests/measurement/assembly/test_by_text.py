"""Maxima of texts put together: which texts reach M, and what first tokens alone reach."""

from hubmaxact.measurement.assembly.certainty.by_text import maxima_by_text

DOMAINS = ("code", "math", "code", "math", "web")


def test_domains_and_first_tokens_that_carry_m_are_counted():
    found = maxima_by_text(
        DOMAINS, (8.0, 8.0, 3.0, 8.0, -1.0), (2.0, 8.0, 3.0, -1.0, -1.0), all_finite=True
    )
    assert found["num_texts_peaking_at_first_token"] == 2
    everything, later = found["all_tokens"], found["after_first_token"]
    assert everything["num_texts"] == 4
    assert everything["reached_by"] == {"code": 1, "math": 2}
    assert everything["saturation"] == [
        {"num_texts": 1, "expected": 6.75},
        {"num_texts": 2, "expected": 8.0},
        {"num_texts": 4, "expected": 8.0},
    ]
    assert (later["num_texts"], later["abs_max"], later["reached_by"]) == (3, 8.0, {"math": 1})
    sizes = [row["num_texts"] for row in later["saturation"]]
    assert sizes == [1, 2, 3]  # those of all texts, and its own
    assert later["reason"] == "3 texts are too few to infer from: 500 are needed"


def test_texts_of_one_token_have_nothing_after_it():
    found = maxima_by_text(DOMAINS[:1], (8.0,), (-1.0,), all_finite=True)
    assert found["num_texts_peaking_at_first_token"] == 1
    assert found["after_first_token"] == {
        "num_texts": 0,
        "abs_max": None,
        "reached_by": {},
        "saturation": [],
        "tail": None,
        "reason": "0 texts are too few to infer from: 500 are needed",
    }


def test_nothing_is_inferred_beyond_infinity():
    values = [float(number) for number in range(1, 2001)]
    found = maxima_by_text(["web"] * 2000, values, values, all_finite=False)
    assert found["all_tokens"]["tail"] is None
    assert "infinity" in found["all_tokens"]["reason"]
    assert found["all_tokens"]["saturation"][-1] == {"num_texts": 2000, "expected": 2000.0}
