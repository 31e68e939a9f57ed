"""`hubmaxact check`: 0 within limits, 1 naming every failed rule, 2 for a gate that is none."""

import json

import example_reports
import pytest
from command import hubmaxact
from comparison.releases import first_release, second_release, written


@pytest.fixture
def report(tmp_path):
    (path,) = written(tmp_path, report=second_release())
    return path


@pytest.fixture
def check(report, tmp_path):
    return lambda *words: hubmaxact("check", report, *words, home=tmp_path)


def test_within_every_limit(check):
    result = check(
        *("--max-abs", 700_000, "--not-exceeding", "bfloat16"),
        *("--min-sqnr-db", "int8=20", "--min-sqnr-db", "int8:clip_q0.999=3"),
        "--require-complete",
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert [line[:4] for line in result.stdout.splitlines()] == ["ok  "] * 5


def test_every_failed_rule_is_named_with_value_and_limit(check, tmp_path):
    (previous,) = written(tmp_path, previous=first_release())
    result = check(
        *("--max-abs", 65504, "--not-exceeding", "float16", "--not-exceeding", "bfloat16"),
        *("--min-sqnr-db", "int8=40", "--against", previous, "--max-ratio", 1.25),
    )
    assert result.returncode == 1
    place = "in the hidden state of layer 4"
    assert result.stdout == (
        f"FAIL max_abs: M is 696,320 {place}; the limit is 65,504\n"
        f"FAIL not_exceeding float16: the largest watched |x| is 696,320 {place}; "
        "float16 ends at 65,504\n"
        "ok   not_exceeding bfloat16: the largest watched |x| is 696,320; "
        "bfloat16 ends at 3.38953138925154e+38\n"
        f"FAIL min_sqnr_db int8: SQNR is 20.83 dB {place}, which carries M; the limit is 40 dB\n"
        "FAIL max_ratio: M is 696,320, 87.39 times the 7,968 of the earlier report; "
        "the limit is 1.25 times\n"
    )
    assert result.stderr.startswith("hubmaxact: 4 of 5 rules failed: max_abs (M is 696,320 in ")
    for rule in ("not_exceeding float16", "min_sqnr_db int8", "max_ratio"):
        assert f"; {rule} (" in result.stderr
    assert "bfloat16" not in result.stderr


def test_the_markdown_names_the_failed_rules_first_and_is_inert(check):
    asked = (
        "--not-exceeding",
        "bfloat16",
        "--max-abs",
        65504,
        "--min-sqnr-db",
        "<b>@all|www.x.y=1",
    )
    result = check(*asked, "--format", "markdown")
    assert result.returncode == 1
    said, table = result.stdout.split("\n\n")
    assert said == "**2 of 3 rules failed.**"
    first, second, third = table.splitlines()[2:]
    assert first == (
        "| **failed** | max&#95;abs | M is 696,320 in the hidden state of layer 4&#59; "
        "the limit is 65,504 |"
    )
    assert second.startswith(
        "| **failed** | min&#95;sqnr&#95;db &#60;b&#62;&#64;<!-- -->all&#124;www<!-- -->.x.y |"
    )
    assert third.startswith("| passed | not&#95;exceeding bfloat16 | ")
    passed = check("--max-abs", 1e6, "--format", "markdown").stdout
    assert passed.startswith("Every rule passed.\n\n|  | rule | found |\n")


def test_the_json_says_the_same(check, tmp_path, report):
    (previous,) = written(tmp_path, previous=first_release())
    asked = ("--max-abs", 65504, "--against", previous, "--max-ratio", 100, "--format", "json")
    result = check(*asked)
    assert result.returncode == 1
    document = json.loads(result.stdout, parse_constant=pytest.fail)
    assert document == {
        "check_version": "0.1",
        "passed": False,
        "file": str(report),
        "id": "example-org/Example-8B",
        "commit": second_release()["model"]["commit"],
        "status": "complete",
        "abs_max": 696_320.0,
        "against": str(previous),
        "rules": [
            {
                "rule": "max_abs",
                "passed": False,
                "value": 696_320.0,
                "limit": 65_504.0,
                "detail": "M is 696,320 in the hidden state of layer 4; the limit is 65,504",
            },
            {
                "rule": "max_ratio",
                "passed": True,
                "value": 696_320 / 7968,
                "limit": 100.0,
                "detail": "M is 696,320, 87.39 times the 7,968 of the earlier report; the limit "
                "is 100 times",
            },
        ],
    }
    assert result.stderr.startswith("hubmaxact: 1 of 2 rules failed: max_abs")


def test_the_same_rules_from_a_file(check, tmp_path):
    (tmp_path / "old").mkdir()
    written(tmp_path / "old", previous=first_release())
    gate = tmp_path / "gate.toml"
    gate.write_text(
        'max_abs = 65504\nnot_exceeding = ["float16"]\nagainst = "old/previous.json"\n'
        "max_ratio = 1.25\nrequire_complete = true\n[min_sqnr_db]\nint8 = 40\n"
    )
    result = check("--config", gate)
    assert result.returncode == 1
    names = [line.split(":")[0] for line in result.stdout.splitlines()]
    assert names == [
        "FAIL max_abs",
        "FAIL not_exceeding float16",
        "FAIL min_sqnr_db int8",
        "FAIL max_ratio",
        "ok   require_complete",
    ]


def test_options_override_the_file(check, tmp_path):
    gate = tmp_path / "gate.toml"
    gate.write_text("max_abs = 1\nrequire_complete = true\n[min_sqnr_db]\nint8 = 40\n")
    result = check(
        *("--config", gate, "--max-abs", 1e6, "--min-sqnr-db", "int8=20"), "--no-require-complete"
    )
    assert result.returncode == 0
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [
        "ok   max_abs",
        "ok   min_sqnr_db int8",
    ]


def test_an_unknown_key_of_the_file_is_refused(check, tmp_path):
    gate = tmp_path / "gate.toml"
    gate.write_text("maxabs = 1\n")
    result = check("--config", gate, "--max-abs", 1e9)
    assert (result.returncode, result.stdout) == (2, "")
    assert '"maxabs"; known: max_abs, not_exceeding' in result.stderr


@pytest.mark.parametrize("words", [(), ("--no-require-complete",), ("--format", "json")])
def test_a_gate_without_a_rule_is_a_mistake(check, words):
    result = check(*words)
    assert (result.returncode, result.stdout) == (2, "")
    assert "give at least one rule" in result.stderr


def test_a_file_without_a_rule_is_a_mistake(check, tmp_path):
    gate = tmp_path / "gate.toml"
    gate.write_text("not_exceeding = []\nrequire_complete = false\n[min_sqnr_db]\n")
    assert check("--config", gate).returncode == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--max-abs", "nan"), "max_abs must be a finite number, found nan"),
        (("--max-abs", "-1"), "max_abs must be a number above 0"),
        (("--max-abs", "many"), "'many' is not a valid float"),
        (("--not-exceeding", "fp12"), "'fp12' is not one of 'float16'"),
        (("--min-sqnr-db", "int8"), "give FORMAT=DB, such as int8=20"),
        (("--min-sqnr-db", "=20"), "give FORMAT=DB"),
        (("--min-sqnr-db", "int8=loud"), "give FORMAT=DB"),
        (("--min-sqnr-db", "int8=nan"), "must be a finite number"),
        (("--min-sqnr-db", "int8=1", "--min-sqnr-db", "int8=2"), "names a format twice"),
        (("--max-ratio", "2"), "belong together"),
        (("--against", "previous.json"), "belong together"),
        (("--against", "none.json", "--max-ratio", "2"), "cannot read none.json"),
        (("--config", "none.toml"), "cannot read none.toml"),
    ],
)
def test_what_cannot_be_a_rule_is_refused(check, words, said):
    result = check(*words)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr


def test_an_earlier_report_of_another_protocol_is_refused(check, tmp_path):
    (previous,) = written(tmp_path, previous=first_release(protocol={"max_seq_len": 8192}))
    result = check("--against", previous, "--max-ratio", 1e6)
    assert (result.returncode, result.stdout) == (2, "")
    assert "max_seq_len is 4096 in example-org/Example-8B@" in result.stderr
    assert "a ratio of M means something under one protocol only." in result.stderr


def test_null_values_never_pass(tmp_path):
    few, broken = written(
        tmp_path,
        few=example_reports.few_samples_report(),
        broken=example_reports.non_finite_report(),
    )
    sqnr = hubmaxact("check", few, "--min-sqnr-db", "int8=-999", home=tmp_path)
    assert sqnr.returncode == 1
    assert "no value: the corpus has fewer texts than both splits need" in sqnr.stdout
    bound = hubmaxact("check", broken, "--max-abs", 1e30, home=tmp_path)
    assert bound.returncode == 1
    assert "held NaN or infinity" in bound.stdout


def test_an_invalid_report_fails_by_its_name(check, report):
    report.write_text(report.read_text().replace('"num_layers": 12', '"num_layers": 11'))
    result = check("--max-abs", 1e9)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"hubmaxact: {report}: sites[")


def test_hostile_words_cannot_steer_the_terminal(check):
    result = check("--min-sqnr-db", "\x1b[31m\u202e=3")
    assert result.returncode == 1
    assert "\x1b" not in result.stdout + result.stderr
    assert "\u202e" not in result.stdout + result.stderr


@pytest.mark.parametrize("command", ["compare", "check"])
def test_help_loads_little(command, tmp_path):
    result = hubmaxact(command, "--help", home=tmp_path, PYTHONPROFILEIMPORTTIME="1")
    assert result.returncode == 0
    for heavy in ("torch", "transformers", "huggingface_hub", "jsonschema_rs", "rich", "numpy"):
        assert not [line for line in result.stderr.splitlines() if line.endswith(f" {heavy}")]
