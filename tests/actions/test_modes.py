"""The action from its inputs to the Hub: what it publishes, where, and what it says of it."""

import json

import pytest
from loopback_hub.desk import README, REPO, WEIGHTS, report_on

from actions.harness import run_action

JSON = "activation_maxima.json"
STEPS = ["Set up Python", "Check the inputs", "Install hubmaxact", "Validate and gate", "Publish"]


def test_a_prepared_report_becomes_a_pull_request(desk, machine):
    run = run_action({"repo": REPO, "release": "v1.2.3"}, machine)
    assert (run.code, run.steps) == (0, STEPS)
    url = f"{desk.hub.url}/{REPO}/discussions/1"
    head = desk.repo.resolve("refs/pr/1").sha
    assert run.outputs == {
        "changed": "true",
        "commit-url": f"{desk.hub.url}/{REPO}/commit/{head}",
        "pr-url": url,
        "abs-max": "187.0",
    }
    assert desk.repo.read(JSON, "refs/pr/1") == desk.report
    assert desk.commits() == []
    assert "### Activation maxima of `alice/model`, release `v1.2.3`\n" in run.summary
    assert "- **Largest activation, M**: **187** at `model.norm`, " in run.summary
    assert "No watched tensor exceeded 65,504 in 12,582,912 tokens" in run.summary
    assert "(20.8 dB at M), max-abs scale" in run.summary
    assert f"Published as a pull request: <{url}>" in run.summary


@pytest.mark.by_day("pr")
@pytest.mark.parametrize("mode", ["pr", "commit"])
def test_the_same_again_changes_nothing(desk, machine, mode):
    first, second = (run_action({"repo": REPO, "mode": mode}, machine) for _ in range(2))
    assert (first.outputs["changed"], second.outputs["changed"]) == ("true", "false")
    for name in ("commit-url", "pr-url"):
        assert first.outputs[name] == second.outputs[name]
    assert len(desk.repo.discussions) == (mode == "pr")
    assert len(desk.commits("refs/pr/1" if mode == "pr" else "main")) == 1
    assert "Nothing to publish: the report is already in the " in second.summary


@pytest.mark.nightly
def test_a_commit_goes_to_the_branch_asked_for(desk, machine):
    desk.repo.branch("next")
    run = run_action({"repo": REPO, "mode": "commit", "revision": "next"}, machine)
    assert run.outputs["pr-url"] == ""
    assert run.outputs["commit-url"].endswith(desk.repo.resolve("next").sha)
    assert desk.repo.read(JSON, "next") == desk.report
    assert desk.repo.read(JSON) is None


@pytest.mark.nightly
def test_a_dry_run_shows_the_diff_and_changes_nothing(desk, machine):
    machine.identity = False  # a public repository can be looked at by anyone
    run = run_action({"repo": REPO, "mode": "dry-run"}, machine)
    assert run.code == 0
    assert run.outputs == {"changed": "true", "commit-url": "", "pr-url": "", "abs-max": "187.0"}
    assert "+## Activation maxima" in run.log.shown
    assert all(
        asked.method != "POST" or "paths-info" in asked.target for asked in desk.hub.requests
    )
    assert desk.repo.read("README.md") == README


def test_a_gate_that_closes_stops_before_the_hub_is_asked_anything(desk, machine):
    (machine.workspace / "gate.toml").write_text('not_exceeding = ["float16"]\nmax_abs = 1000\n')
    rules = {"gate": "gate.toml", "max-abs": "100", "min-sqnr-db": "int8=99, int8:clip_q0.999=1"}
    run = run_action({"repo": REPO, **rules}, machine)
    assert (run.code, run.steps[-1]) == (1, "Validate and gate")
    assert desk.hub.requests == []
    (sentence,) = run.log.errors
    assert sentence.startswith("the gate is closed: 2 of 4 rules failed: max_abs (M is 187 in the ")
    assert "min_sqnr_db int8 (SQNR is 20.8" in sentence
    assert (run.outputs["changed"], run.outputs["abs-max"]) == ("", "187.0")
    assert (
        "**The gate is closed; nothing was published.**\n\n**2 of 4 rules failed.**" in run.summary
    )
    failed = "M is 187 in the final norm&#59; the limit is 100"
    assert f"| **failed** | max&#95;abs | {failed} |" in run.summary
    assert "| passed | not&#95;exceeding float16 |" in run.summary
    assert run.summary.index("**failed**") < run.summary.index("| passed |")


def test_a_gate_that_opens_lets_the_report_through(desk, machine):
    earlier = machine.workspace / "earlier.json"
    earlier.write_bytes(report_on(WEIGHTS, stage="base"))
    rules = {"against": "earlier.json", "max-ratio": "1.5", "require-complete": True}
    run = run_action({"repo": REPO, "mode": "commit", **rules}, machine)
    assert (run.code, run.outputs["changed"]) == (0, "true")
    assert "The gate is open.\n\nEvery rule passed.\n" in run.summary


UNFIT_GATES = [
    ({"gate": "absent.toml"}, "cannot read absent.toml: No such file or directory."),
    ({"max-ratio": "2"}, "against and max_ratio belong together: give both, or neither."),
]


@pytest.mark.by_day("rules0*")
@pytest.mark.parametrize(("rules", "reason"), UNFIT_GATES)
def test_a_gate_that_cannot_be_applied_is_closed(desk, machine, rules, reason):
    run = run_action({"repo": REPO, **rules}, machine)
    assert (run.code, desk.hub.requests) == (2, [])
    assert run.log.errors == [f"the gate could not be applied: {reason}"]
    assert "**The gate could not be applied; nothing was published.**" in run.summary


def test_a_report_that_is_not_valid_is_not_published(desk, machine):
    document = json.loads(desk.report)
    document["global_max"]["abs_max"] = 1.0
    desk.file.write_text(json.dumps(document))
    run = run_action({"repo": REPO}, machine)
    assert (run.code, desk.hub.requests) == (1, [])
    assert "**The report is not valid; nothing was published.**" in run.summary
    (sentence,) = run.log.errors
    assert sentence.startswith(
        "the report is not valid: activation_maxima.json: global_max.abs_max"
    )


def test_a_report_that_is_not_there_is_not_called_invalid(desk, machine):
    desk.file.rename(machine.workspace / "report.json")
    run = run_action({"repo": REPO, "release": "v1"}, machine)
    assert (run.code, desk.hub.requests) == (2, [])
    assert "**There is no report; nothing was published.**" in run.summary
    assert "not valid" not in run.summary
    (sentence,) = run.log.errors
    assert sentence.startswith("there is no report at activation_maxima.json in what was checked")
    desk_is_empty = run_action({"repo": REPO, "report": "results"}, _cleared(machine))
    assert "Check out the repository" in desk_is_empty.log.errors[0]


@pytest.mark.nightly
def test_a_folder_stands_for_the_report_in_it(desk, machine):
    (machine.workspace / "results").mkdir()
    desk.file.rename(machine.workspace / "results" / JSON)
    run = run_action({"repo": REPO, "mode": "dry-run", "report": "results"}, machine)
    assert (run.code, run.outputs["abs-max"]) == (0, "187.0")


def _cleared(machine):
    for path in machine.workspace.iterdir():
        path.unlink()
    return machine


@pytest.mark.nightly
def test_weights_that_were_not_measured_are_refused_in_the_log_and_the_summary(desk, machine):
    desk.repo.commit({"model-00001-of-00002.safetensors": b"other"})
    run = run_action({"repo": REPO}, machine)
    assert (run.code, desk.repo.discussions) == (2, {})
    assert "holds other weights than the report was measured on" in run.log.errors[0]
    assert "**Publishing failed.**" in run.summary
