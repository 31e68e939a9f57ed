"""Names of tags, inputs, files, reports and READMEs are words: never code, never commands."""

import importlib
import re
import subprocess

import pytest
from loopback_hub.desk import README, REPO

from actions.harness import ACTION, Run, load, run_action, run_script

CANARY = "canary"
TOUCH = f"touch${{IFS}}{CANARY}"
# Git accepts every one of these as the name of a tag.
TAGS = [
    f"v1$({TOUCH})",
    f"v1`{TOUCH}`",
    f'v1";{TOUCH};"',
    f"v1';{TOUCH};'",
    f"v1|{TOUCH}",
    f"v1&&{TOUCH}",
    f"v1;{TOUCH}",
    f"v1.2.3-$({TOUCH})",
    "v1${IFS}id",
    "v1.2.3/::error::pwned",
    "v1.2.3%0A::error::pwned",
    "::error::pwned",
    "--help",
]
WORDS = [
    *TAGS,
    "v1.2.3\nabs-max=0",
    "v1.2.3\n::error::pwned",
    "v1.2.3\r::stop-commands::pwned",
    "abs-max<<END\n0\nEND",
    "1" * 10_000,
    "alice/model\x01",
    "\u202ev1.2.3",
    "v\u0661.2.3",
]
SCRIPTS = [step for step in load(ACTION / "action.yml")["runs"]["steps"] if "run" in step]
COMMANDS_OF_OURS = {"stop-commands", "add-mask"}


@pytest.mark.parametrize("tag", TAGS[:9])
def test_git_takes_such_tags(tag):
    assert (
        subprocess.run(["git", "check-ref-format", f"refs/tags/{tag}"], check=False).returncode == 0
    )


def no_harm(run):
    """Nothing ran, nothing took effect, nothing was set that the action does not set."""
    assert list(run.machine.home.rglob(CANARY)) == []
    assert all("pwned" not in data for name, data in run.log.commands if name != "error")
    assert all(not error.startswith("pwned") for error in run.log.errors)
    assert run.outputs.get("abs-max", "") in {"", "187.0"}


@pytest.mark.parametrize("tag", TAGS)
def test_a_release_with_such_a_name_is_refused_in_a_sentence(desk, machine, tag):
    run = run_action({"repo": REPO, "release": tag}, machine)
    no_harm(run)
    assert (run.code, run.steps[-1], desk.hub.requests) == (2, "Check the inputs", [])
    (sentence,) = run.log.errors
    assert sentence.startswith("the input release must be the name of a release, such as v1.2.3; ")


TAKEN = [
    *("v1", "v1.0", "v2-preview", "release/v1.2.3", "2026.11", "model-v3_final", "nightly"),
    *(
        "v1.2.3+build.5",
        "@scope/pkg@1.0.0",
        "modèle-1",
        "e\u0301",
        "モデル-v1",
        "नमस्ते",
        "v1-\U0001f389",
    ),
    *("a/b/c", "v1,0", "v1#2", "x=1", "V", "0"),
]
REFUSED = [
    *("v1..2", "v1/", "/v1", "v1//2", ".v1", "a/.b", "v1.lock", "a.lock/b", "v1.", "-v1"),
    *("v1 2", "v1~1", "v1^", "v1:2", "v1?", "v1*", "v1[", "v1\\", "v1\x7f", "v1\u00a0", "v1\u200b"),
    *("v1<b>", "v1'", "v1(x)", "v1\n2", "v1\u2028", "a" * 401),
]


def test_the_names_of_tags_that_people_use_are_taken_and_no_others(monkeypatch):
    monkeypatch.syspath_prepend(ACTION)
    inputs = importlib.import_module("inputs")
    for name in TAKEN:
        assert inputs.INPUTS["release"].fits(name), name
    for name in [*REFUSED, *TAGS]:
        monkeypatch.setenv("INPUT_RELEASE", name)
        with pytest.raises(SystemExit):
            inputs.read("release")


def test_blanks_around_an_input_are_no_part_of_it_and_a_list_names_something(monkeypatch):
    monkeypatch.syspath_prepend(ACTION)
    inputs = importlib.import_module("inputs")
    for name, given, value in (
        ("repo", " alice/model\n", "alice/model"),
        ("corpus", "\tprobe-5k ", "probe-5k"),
        ("gate", " \n", ""),
        ("not-exceeding", "float16,\n", "float16,"),
        ("max-abs", ".5e3", ".5e3"),
        ("repo", " ", None),
        ("report", " \n", None),
        ("not-exceeding", ",,", None),  # or the gate would be open for want of rules
        ("min-sqnr-db", ", ,", None),
        ("max-abs", "1.2.3", None),
        ("max-ratio", "1.e", None),
    ):
        monkeypatch.setenv(f"INPUT_{name.upper().replace('-', '_')}", given)
        if value is not None:
            assert inputs.read(name) == value
            continue
        with pytest.raises(SystemExit):
            inputs.read(name)


def test_an_error_is_one_command_whatever_stands_in_it(monkeypatch, capsys):
    monkeypatch.syspath_prepend(ACTION)
    runner = importlib.import_module("runner")
    with pytest.raises(SystemExit) as stopped:
        runner.fail("50% of\r\nit\u202e \x1b[31m", 3)
    assert stopped.value.code == 3
    written = "50%25 of%0D%0Ait\\u202e \\u001b[31m"
    assert capsys.readouterr().out == f"::error title=hubmaxact::{written}\n"


@pytest.mark.by_day("Check the inputs")
@pytest.mark.parametrize("step", SCRIPTS, ids=[step["name"] for step in SCRIPTS])
def test_every_script_takes_such_words_for_words(machine, step):
    """Each on its own, as if no step before it had looked at the inputs."""
    machine.set_up_python()
    machine.install_hubmaxact()
    if step.get("id") == "install":  # pip would only say that there is no such release
        (machine.tools / "python").write_text("#!/bin/sh\nexit 9\n")
    fixed = {"GITHUB_ACTION_PATH": str(ACTION)}
    for word in WORDS:
        run = Run(machine)
        run.outputs = run_script(
            step["run"], machine, fixed | dict.fromkeys(step["env"], word), run
        )
        no_harm(run)
        assert run.code != 0


@pytest.mark.by_day("v1`*", "*abs-max=0", "v1.2.3/::error*")
@pytest.mark.parametrize("word", WORDS)
def test_no_input_is_taken_that_is_not_of_its_shape(machine, word):
    """Every input that is not a path, one bad value at a time, through the step that looks."""
    (check,) = (step for step in SCRIPTS if step["name"] == "Check the inputs")
    machine.set_up_python()
    good = dict.fromkeys(check["env"], "")
    good |= {"INPUT_REPO": REPO, "INPUT_MODE": "pr", "INPUT_REVISION": "main"}
    good |= {"INPUT_REPORT": "a.json", "GITHUB_ACTION_PATH": str(ACTION)}
    for name in ("INPUT_REPO", "INPUT_MODE", "INPUT_RELEASE", "INPUT_VERSION", "INPUT_DEVICE"):
        run = Run(machine)
        run_script(check["run"], machine, good | {name: word}, run)
        no_harm(run)
        (sentence,) = run.log.errors
        assert (run.code, len(sentence) < 400) == (2, True)


@pytest.mark.by_day("$(*")
@pytest.mark.parametrize("name", [f"$({TOUCH}).json", "::error::pwned", "##[error]pwned", "a b;c"])
def test_a_file_may_have_any_name(desk, machine, name):
    desk.file.rename(machine.workspace / name)
    run = run_action({"repo": REPO, "mode": "dry-run", "report": name}, machine)
    no_harm(run)
    assert (run.code, run.outputs["changed"]) == (0, "true")
    assert {command for command, _ in run.log.commands} == {"stop-commands"}


def test_a_readme_may_hold_any_line(desk, machine):
    lines = b"::stop-commands::pwned\n  ::error::pwned\n##[set-output name=abs-max]0\n"
    desk.repo.commit({"README.md": README + lines})
    run = run_action({"repo": REPO, "mode": "dry-run"}, machine)
    no_harm(run)
    assert "::error::pwned" in run.log.shown  # the diff does show it
    assert {command for command, _ in run.log.commands} == {"stop-commands"}


@pytest.mark.nightly
def test_a_report_may_hold_any_word(desk, machine):
    hostile = "www.pwned.org|</td><script>`@all`](javascript:x)"
    desk.file.write_bytes(desk.report.replace(b'"probe-5k"', f'"{hostile}"'.encode()))
    run = run_action({"repo": REPO, "mode": "dry-run", "max-abs": "1"}, machine)
    no_harm(run)
    assert "The gate is closed" in run.summary
    assert "texts of www<!-- -->.pwned.org&#124;&#60;" in run.summary
    prose = re.sub(r"`[\w./-]+`", "", run.summary).replace("| **", "").replace("<!-- -->", "\0")
    for active in ("<", "@", "&#64;a", "`", "](", "www.", "|<"):
        assert active not in prose


@pytest.mark.by_day("pull_request-pr")
@pytest.mark.parametrize(("event", "mode"), [("pull_request", "pr"), ("pull_request", "commit")])
def test_a_pull_request_publishes_nothing(desk, machine, event, mode):
    machine.event = event
    run = run_action({"repo": REPO, "mode": mode}, machine)
    assert (run.code, desk.hub.requests) == (2, [])
    assert "may only be a dry run" in run.log.errors[0]


def test_a_pull_request_may_look(desk, machine):
    machine.event, machine.identity = "pull_request", False
    assert run_action({"repo": REPO, "mode": "dry-run"}, machine).code == 0


def test_nothing_runs_where_a_strangers_change_has_secrets(desk, machine):
    machine.event = "pull_request_target"
    run = run_action({"repo": REPO, "mode": "dry-run"}, machine)
    assert (run.code, desk.hub.requests) == (2, [])


def test_a_value_of_two_lines_is_never_an_output(machine):
    machine.set_up_python()
    code = 'import runner; runner.set_output("url", "a\\nb=c")'
    script = f"""cd "$GITHUB_ACTION_PATH"; python -c '{code}'"""
    run = Run(machine)
    assert run_script(script, machine, {"GITHUB_ACTION_PATH": str(ACTION)}, run) == {}
    assert run.code != 0
