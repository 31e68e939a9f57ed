"""The workflows: a tag becomes a pull request on the Hub; a tag of ours must be the version."""

import pytest
from command import DENSE
from loopback_hub.desk import REPO

from actions.harness import GITHUB, Run, load, run_action, run_script, run_workflow

RELEASE_REPORT = "release-report.yml"


def test_a_tag_becomes_a_pull_request(desk, machine):
    (machine.workspace / "gate.toml").write_bytes((GITHUB / "examples/gate.toml").read_bytes())
    run = run_workflow(RELEASE_REPORT, {"repo": REPO, "gate": "gate.toml"}, machine)
    assert run.code == 0, run.log.shown
    assert run.outputs["pr-url"] == f"{desk.hub.url}/{REPO}/discussions/1"
    assert (run.outputs["changed"], run.outputs["abs-max"]) == ("true", "187.0")
    assert "of `alice/model`, release `v1.2.3`" in run.summary
    assert [used.partition("@")[0] for used in run.used] == [
        "actions/checkout",
        "$/.github/actions/measure",
        "actions/setup-python",
    ]


@pytest.mark.nightly
def test_a_secret_is_used_though_the_job_has_an_identity(desk, machine):
    """As every job of this workflow has: GitHub starts none whose caller does not grant it."""
    desk.hub.trusted_publishers.clear()
    secrets = {"hf-token": desk.hub.token}
    run = run_workflow(RELEASE_REPORT, {"repo": REPO, "mode": "commit"}, machine, secrets)
    assert (run.code, run.log.masks) == (0, [desk.hub.token])
    assert desk.repo.read("activation_maxima.json") == desk.report


@pytest.mark.parametrize("tag", ["v1$(touch${IFS}canary)", 'v1";touch${IFS}canary;"', "v1<b>"])
def test_a_tag_that_names_no_release_publishes_nothing(desk, machine, tag):
    machine.ref_name = tag
    run = run_workflow(RELEASE_REPORT, {"repo": REPO}, machine)
    assert (run.code, desk.hub.requests) == (2, [])
    assert list(machine.home.rglob("canary")) == []


@pytest.mark.nightly
def test_a_tag_of_any_other_shape_is_a_release(desk, machine):
    machine.ref_name = "release/modèle-v3_final@2026.11"
    run = run_workflow(RELEASE_REPORT, {"repo": REPO, "mode": "dry-run"}, machine)
    assert run.code == 0, run.log.shown
    assert "release `release/modèle-v3_final@2026.11`" in run.summary


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target", "workflow_run"])
def test_nothing_runs_but_for_a_push_or_a_release(desk, machine, event):
    machine.event = event
    run = run_workflow(RELEASE_REPORT, {"repo": REPO}, machine)
    assert (run.steps, desk.hub.requests) == ([], [])


def test_releases_of_one_model_wait_for_each_other():
    concurrency = load(GITHUB / "workflows" / RELEASE_REPORT)["concurrency"]
    assert concurrency == {"group": "hubmaxact-${{ inputs.repo }}", "cancel-in-progress": False}


def test_a_private_repository_is_measured_and_gets_the_report(hub, machine):
    files = {path.name: path.read_bytes() for path in DENSE.iterdir() if path.is_file()}
    repo = hub.create_repo(REPO, files=files)
    repo.private = True
    quick = {"num-samples": "24", "max-seq-len": "32", "device": "cpu", "mode": "commit"}
    run = run_action({"repo": REPO, "checkpoint": REPO, **quick}, machine)
    assert run.code == 0, run.log.shown
    assert run.steps[3] == "Measure"
    assert run.outputs["changed"] == "true"
    report = repo.read("activation_maxima.json")
    assert (machine.workspace / "activation_maxima.json").read_bytes() == report
    assert f'"abs_max": {run.outputs["abs-max"]}'.encode() in report


@pytest.mark.parametrize(("tag", "code"), [("v0.1.0", 0), ("v0.1.1", 1), ("v$(touch canary)", 1)])
def test_a_tag_of_ours_must_be_the_version_that_was_built(machine, tag, code):
    (step,) = (
        step
        for step in load(GITHUB / "workflows/release.yml")["jobs"]["build"]["steps"]
        if step.get("id") == "version"
    )
    (machine.workspace / "dist").mkdir()
    (machine.workspace / "dist" / "hubmaxact-0.1.0-py3-none-any.whl").touch()
    run = Run(machine)
    run_script(step["run"], machine, {"TAG": tag}, run)
    assert run.code == code
    assert list(machine.home.rglob("canary")) == []
