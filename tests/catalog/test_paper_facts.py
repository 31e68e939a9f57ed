"""The paper's checkpoints: quoted faithfully, marked as quoted, and told where sources disagree."""

import hashlib
import json
import math

import pytest

from hubmaxact.catalog.row import DESCRIPTIONS, HINTS
from hubmaxact.catalog.sources import paper
from hubmaxact.catalog.sources.paper_facts import facts
from hubmaxact.report.roles import ROLE_BY_NAME

ROWS = {row["name"]: row for row in paper.rows()}
M = {
    "Qwen3.5-0.8B": 122, "Qwen3.5-35B-A3B": 132, "Qwen3.5-9B": 956, "Qwen3.5-27B": 1848,
    "Qwen3-30B-A3B": 1512, "Qwen3-1.7B": 14208, "Qwen3-8B": 17664, "Qwen3-32B": 35328,
    "Qwen2.5-1.5B": -7968, "Qwen2.5-7B": -13248, "Qwen2.5-32B": 30848,
    "Qwen2.5-1.5B-Instruct": -7968, "Qwen2.5-7B-Instruct": -13312,
    "Qwen2.5-32B-Instruct": 22144,
    "Qwen2.5-VL-3B": -3984, "Qwen2.5-VL-7B": -8256, "Qwen2.5-VL-32B": 22144,
    "gemma-2b": -2992, "gemma-2-9b": 1664, "gemma-2-27b": 157696,
    "gemma-3-4b-it": 245760, "gemma-3-27b-it": 696320, "gpt-oss-20b": -145408,
    "Ling-mini-5T": -7648, "Ling-mini-10T": -9024, "Ling-mini-15T": -10112,
    "Ling-mini-20T": -11776,
}  # fmt: skip

DIGEST = "c42013426f270ca752fee1ab506e65fb1f8506af0d0bd84c4f7981be13a89be8"
SUMS = {
    "roles": (160, 1951567.412109375),
    "errors": (64, 161.196723),
    "subsets": (40, 2792437.5),
}
"""How many values the result files have of each kind, and the sum of their magnitudes, as added up
from a second transcription of them."""


def test_every_checkpoint_has_the_papers_m_with_its_sign():
    assert {name: row["max_value"] for name, row in ROWS.items()} == M


def test_every_row_says_that_it_is_reported_and_where():
    source = facts()["source"]
    for row in ROWS.values():
        assert (row["source"], row["trust"]) == ("reported by the paper", "unverified")
        assert row["key"] == f"paper:{row['name']}"
        assert "arXiv:2605.15572" in row["notes"][0]
        assert source["commit"][:7] in row["notes"][0]
        assert (row["repo_id"], row["report_sha256"], row["num_parameters"]) == (None, None, None)


def test_m_is_the_largest_of_the_roles_it_is_taken_over():
    for row in ROWS.values():
        roles = [role for role in ROLE_BY_NAME.values() if role.in_global_max]
        largest = {role.name: abs(row[f"max_{role.name}"]) for role in roles}
        assert max(largest.values()) == row["abs_max"]
        tied = {name for name, value in largest.items() if value == row["abs_max"]}
        assert tied == set(row["tied_roles"])
        assert row["carrier_role"] == row["tied_roles"][0]


def test_no_value_of_the_facts_changes_unnoticed():
    """The digest of every value, as it was transcribed and checked."""
    values = [
        {name: checkpoint[name] for name in checkpoint if name != "notes"}
        for checkpoint in facts()["checkpoints"]
    ]
    text = json.dumps([facts()["protocol"], values], sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest() == DIGEST


def test_the_values_of_each_kind_add_up_to_what_the_result_files_do():
    checkpoints = facts()["checkpoints"]
    roles = [abs(peak["value"]) for c in checkpoints for peak in c["max_by_role"].values()]
    errors = [value for c in checkpoints for e in c["int8"].values() for value in e.values()]
    subsets = [value for c in checkpoints for s in c["subsets"] for value in s["values"]]
    assert (len(roles), math.fsum(roles)) == SUMS["roles"]
    assert (len(errors), round(math.fsum(errors), 9)) == SUMS["errors"]
    assert (len(subsets), math.fsum(map(abs, subsets))) == SUMS["subsets"]


def test_four_checkpoints_exceed_fp16():
    exceeding = {name for name, row in ROWS.items() if row["exceeds_float16"]}
    assert exceeding == {"gemma-2-27b", "gemma-3-4b-it", "gemma-3-27b-it", "gpt-oss-20b"}


def test_eight_checkpoints_have_the_int8_diagnostic_and_four_have_subsets():
    assert sum(row["int8_max_abs_sqnr_db"] is not None for row in ROWS.values()) == 8
    assert ROWS["gemma-3-4b-it"]["int8_max_abs_sqnr_db"] == 13.535856
    assert ROWS["Qwen3.5-35B-A3B"]["int8_clip_sqnr_db"] == 7.998392
    subsets = {name: row["subsets"] for name, row in ROWS.items() if row["subsets"]}
    assert set(subsets) == {"Qwen3-32B", "Qwen3-30B-A3B", "Qwen3.5-0.8B", "gemma-3-4b-it"}
    first = subsets["Qwen3-30B-A3B"][0]
    assert first["values"] == [1392, 1480, 1368, 1392, 1512]
    assert round(first["range_over_mean"], 4) == 0.1008
    assert round(first["coefficient_of_variation"], 4) == 0.0442


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Ling-mini-20T", "10,240"),
        ("gpt-oss-20b", "23 of 24"),
        ("gpt-oss-20b", "router's logits"),
        ("gemma-2b", "Gemma 1"),
        ("Qwen3.5-0.8B", "changes its sign"),
        ("Qwen3-30B-A3B", "softmax probability"),
        ("Ling-mini-5T", "expert indices"),
        ("Qwen3-32B", "35,584"),
    ],
)
def test_a_note_says_where_sources_disagree_or_words_mislead(name, words):
    assert any(words in note for note in ROWS[name]["notes"])


def test_every_note_is_used_and_every_used_note_exists():
    used = {note for checkpoint in facts()["checkpoints"] for note in checkpoint["notes"]}
    assert used == set(facts()["notes"])


def test_expert_indices_and_probabilities_stand_in_no_column():
    with_router = {name for name, row in ROWS.items() if row["max_router_logits"] is not None}
    assert with_router == {"gpt-oss-20b"}


def test_rows_have_every_column_and_every_column_a_meaning():
    for row in ROWS.values():
        assert list(row) == list(HINTS)
    assert list(DESCRIPTIONS) == list(HINTS)
    assert all(len(text) > 5 for text in DESCRIPTIONS.values())
