"""Which words and which variables the action gives to hubmaxact: no secret in the first."""

import json
import sys

import pytest

from actions.harness import run_action
from actions.machine import Machine

REPO = "alice/model"
TOKEN = "hf_canary"
RECORDER = """#!{python}
import json, os, sys
with open({calls!r}, "a") as file:
    file.write(json.dumps([sys.argv[1:], dict(os.environ)]) + "\\n")
if sys.argv[1] == "push":
    print('{{"dry_run": false, "changed": true, "commit_url": null, "pr_url": null}}')
"""


class Recording(Machine):
    """A machine whose hubmaxact writes down how it was called, and does nothing."""

    ending = ""

    def install_hubmaxact(self):
        super().install_hubmaxact()
        program = self.temporary / "hubmaxact" / "bin" / "hubmaxact"
        script = RECORDER.format(python=sys.executable, calls=str(self.home / "calls"))
        program.write_text(script + self.ending)

    def calls(self):
        lines = (self.home / "calls").read_text().splitlines()
        return {words[0]: (words, env) for words, env in map(json.loads, lines)}


@pytest.fixture
def machine(hub, tmp_path):
    machine = Recording(hub, tmp_path, identity=False)
    (machine.workspace / "activation_maxima.json").write_text('{"global_max": null}')
    return machine


def test_a_folder_is_measured_under_the_repositorys_name_and_without_a_token(machine):
    (machine.workspace / "weights").mkdir()
    chosen = {
        "base": "alice/base",
        "preset": "paper",
        "corpus": "texts.jsonl",
        "num-samples": 9,
        "max-seq-len": 8,
    }
    chosen |= {"dtype": "bfloat16", "device": "cuda:1", "device-map": "balanced_low_0"}
    run = run_action({"repo": REPO, "checkpoint": "weights", "hf-token": TOKEN, **chosen}, machine)
    assert run.code == 0, run.log.shown
    words, env = machine.calls()["measure"]
    assert words == [
        *("measure", "weights", "--output=activation_maxima.json", f"--model-id={REPO}"),
        *("--base=alice/base", "--preset=paper", "--corpus=texts.jsonl"),
        *("--num-samples=9", "--max-seq-len=8"),
        *("--dtype=bfloat16", "--device=cuda:1", "--device-map=balanced_low_0"),
    ]
    assert TOKEN not in env.values()


def test_a_measured_report_goes_into_the_folder_that_stands_for_it(machine):
    (machine.workspace / "weights").mkdir()
    run = run_action({"repo": REPO, "checkpoint": "weights", "report": "."}, machine)
    assert run.code == 2  # no token
    words, _ = machine.calls()["measure"]
    assert words[2] == "--output=activation_maxima.json"


@pytest.mark.parametrize(("checkpoint", "signed_in"), [(REPO, True), ("alice/other", False)])
def test_only_the_repository_itself_is_measured_with_the_token(machine, checkpoint, signed_in):
    inputs = {"repo": REPO, "checkpoint": checkpoint, "revision": "next", "hf-token": TOKEN}
    assert run_action(inputs, machine).code == 0
    words, env = machine.calls()["measure"]
    assert words == ["measure", checkpoint, "--output=activation_maxima.json", "--revision=next"]
    assert (env.get("HF_TOKEN") == TOKEN) is signed_in


def test_only_pushing_gets_the_token_and_nothing_gets_it_as_a_word(machine):
    machine.extra |= {"HF_TOKEN": "hf_another", "HF_OIDC_RESOURCE": "alice/another"}
    assert run_action({"repo": REPO, "hf-token": TOKEN}, machine).code == 0
    calls = machine.calls()
    assert list(calls) == ["validate", "card", "push"]
    assert [env.get("HF_TOKEN") for _, env in calls.values()] == [None, None, TOKEN]
    assert [env.get("HF_OIDC_RESOURCE") for _, env in calls.values()] == [None, None, None]
    assert all(TOKEN not in " ".join(words) for words, _ in calls.values())
    assert [name for _, env in calls.values() for name in env if name.startswith("INPUT_")] == []


def test_nothing_is_zero_for_want_of_a_value(machine):
    run = run_action({"repo": REPO, "hf-token": TOKEN}, machine)
    assert run.outputs["abs-max"] == ""


def test_the_summary_holds_what_hubmaxact_renders_and_is_told_of_no_repository(machine):
    assert run_action({"repo": REPO, "hf-token": TOKEN, "max-abs": "9"}, machine).code == 0
    words = {name: words for name, (words, _) in machine.calls().items()}
    assert words["card"] == ["card", "activation_maxima.json", "--format=summary"]
    assert words["check"][-1] == "--format=markdown"


def test_a_report_that_cannot_be_shown_is_not_published(machine):
    """As by a release of hubmaxact that has no such format."""
    machine.ending = "sys.exit(2 if sys.argv[1] == 'card' else 0)\n"
    run = run_action({"repo": REPO, "hf-token": TOKEN}, machine)
    assert (run.code, list(machine.calls())) == (2, ["validate", "card"])
    assert "**The report could not be shown; nothing was published.**" in run.summary


FAILURES = [
    ("print('hubmaxact: 5% of it', file=sys.stderr); sys.exit(2)", 2, "5% of it"),
    (
        "print('Traceback'); sys.stderr.write('ValueError: x\\r\\n'); sys.exit(1)",
        1,
        "ValueError: x",
    ),
    ("os.kill(os.getpid(), 9)", 247, "it was ended by SIGKILL, as happens where memory runs out"),
    ("sys.exit(3)", 3, "exit code 3, without a word"),
]


@pytest.mark.parametrize(("ending", "code", "reason"), FAILURES)
def test_a_run_that_fails_is_an_error_with_its_reason(machine, ending, code, reason):
    machine.ending = f"if sys.argv[1] == 'measure': {ending}\n"
    run = run_action({"repo": REPO, "checkpoint": REPO, "release": "v1"}, machine)
    assert (run.code, list(machine.calls())) == (code, ["measure"])
    assert run.log.errors == [f"measuring failed: {reason}".replace("%", "%25")]
    assert "release `v1`\n\n**Measuring failed; nothing was published.**" in run.summary


def test_a_fault_of_the_action_itself_is_an_error_too(machine):
    machine.ending = "if sys.argv[1] == 'push': print('no JSON')\n"
    run = run_action({"repo": REPO, "hf-token": TOKEN}, machine)
    assert run.code == 1
    (sentence,) = run.log.errors
    assert sentence.startswith("this action failed by a fault of its own (JSONDecodeError: ")
    assert "Traceback" in run.log.shown
