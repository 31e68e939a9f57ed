"""Profile `deployment` says all that `paper` says, and more; its reports are valid and the same."""

import pytest

from hubmaxact.report.roles import PAPER_ROLES
from hubmaxact.report.validate import validate
from hubmaxact.report.write import report_bytes
from oracle import brute
from oracle.cases import Case

NAMES = ("qwen3_moe", "gemma2", "deepseek_v3", "qwen3_5_moe")
SAME = ("model", "environment", "status", "global_max", "domains")
PAPER = {role.name for role in PAPER_ROLES}


@pytest.fixture(scope="module", params=NAMES)
def pair(request, measured):
    """One family under both profiles."""
    case = Case(request.param, budget=256)
    return measured(case), measured(case, profile="deployment")


@pytest.mark.by_day("qwen3_moe")
def test_what_both_profiles_hold_is_equal_to_the_last_bit(pair):
    paper, deployed = pair
    chosen = {"profile": "deployment", "format_errors": "all"}
    assert paper["protocol"] | chosen == deployed["protocol"]
    assert paper["quantization"]["formats"] == deployed["quantization"]["formats"]
    assert {name: paper[name] for name in SAME} == {name: deployed[name] for name in SAME}
    assert paper["stability"].items() < deployed["stability"].items()
    assert paper["sites"] == [site for site in deployed["sites"] if site["role"] in PAPER]
    for row, more in zip(paper["experts"], deployed["experts"], strict=True):
        assert row == {name: more[name] for name in row}
    for role in PAPER:
        assert paper["coverage"][role] == deployed["coverage"][role]
        assert paper["max_by_role"].get(role) == deployed["max_by_role"].get(role)


@pytest.mark.by_day("gemma2", "qwen3_moe")
@pytest.mark.parametrize("name", ["qwen3_moe", "gemma2"])
def test_maxima_of_texts_are_those_of_hooks_without_first_tokens_too(name, measured, recomputed):
    case = Case(name, budget=256)
    ids, _, sites, _ = recomputed(case)
    found = measured(case, profile="deployment")["stability"]["by_text"]
    everything = brute.sample_maxima(sites, len(ids))
    later = {key: captured.after_first_token() for key, captured in sites.items()}
    later = brute.sample_maxima(later, len(ids))
    for block, maxima in ((found["all_tokens"], everything), (found["after_first_token"], later)):
        known = maxima[maxima >= 0]
        assert (block["num_texts"], block["abs_max"]) == (len(known), max(known))
        assert sum(block["reached_by"].values()) == (known == max(known)).sum()
        assert block["saturation"][0] == {"num_texts": 1, "expected": pytest.approx(known.mean())}
        assert "too few" in block["reason"]
    assert found["num_texts_peaking_at_first_token"] == (later < everything).sum()
    assert 0 < (later < everything).sum() < len(ids)  # neither is without a case
    assert found["by_position"] == brute.maxima_by_position(sites, len(ids))


def test_a_report_of_each_profile_is_valid_and_of_its_own_version(pair):
    for report, version in zip(pair, ("0.1", "0.2"), strict=True):
        assert validate(report) == []
        assert report["schema_version"] == version
        assert report_bytes(report)


def test_rows_stand_where_the_structure_promises_them(pair):
    _, report = pair
    layers = report["model"]["num_layers"]
    assert {row["layer"] for row in report["linear_inputs"]} == set(range(layers))
    absent = report["coverage"]["key"]["absent"]
    assert len(report["kv"]) == layers - absent
    for row in report["experts"]:
        assert row["input"]["abs_max"] == max(filter(None, row["input"]["per_expert"]))
        reads = [
            each
            for each in report["linear_inputs"]
            if each["layer"] == row["layer"] and each["part"].endswith("experts.down_proj")
        ]
        assert row["down_input"]["abs_max"] == reads[0]["abs_max"]
