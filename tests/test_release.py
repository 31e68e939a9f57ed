"""A release: nothing is published that was not tested, and what is published is as it should be."""

import re
import runpy
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))
NOTES = ROOT / ".ci" / "release_notes.py"
PUBLISHING = {"id-token", "contents"}  # with a right to write, a job can publish


def jobs(workflow):
    return yaml.safe_load((ROOT / ".github/workflows" / workflow).read_text("utf-8"))["jobs"]


def needed(all_jobs, name):
    """Every job that must have passed before one begins."""
    direct = all_jobs[name].get("needs", [])
    direct = [direct] if isinstance(direct, str) else direct
    return {each for job in direct for each in ({job} | needed(all_jobs, job))}


def uses(job):
    return [step["uses"].partition("@")[0] for step in job.get("steps", []) if "uses" in step]


def test_whatever_can_publish_waits_for_every_test():
    release = jobs("release.yml")
    can_write = [
        name
        for name, job in release.items()
        if any(job["permissions"].get(right) == "write" for right in PUBLISHING)
    ]
    assert can_write == ["publish", "announce"]
    for name in can_write:
        assert needed(release, name) >= {"test", "nightly", "build"}
        # With a condition of its own a job would run although what it needs has failed.
        assert "if" not in release[name]
    assert release["test"]["uses"] == "$/.github/workflows/ci.yml"
    assert release["nightly"]["uses"] == "$/.github/workflows/nightly.yml"
    assert "if" not in release["test"] | release["nightly"]


def test_the_night_runs_what_a_change_leaves_out():
    slow = jobs("nightly.yml")["slow"]
    assert (slow["uses"], slow["with"]) == ("$/.github/workflows/ci.yml", {"marked": "nightly"})
    for name, job in jobs("ci.yml").items():
        for step in job["steps"]:
            if "pytest" in step.get("run", ""):
                assert "($MARKED)" in step["run"], name


def test_the_night_runs_what_needs_the_tools_of_others():
    (*_, run) = jobs("nightly.yml")["quantizers"]["steps"]
    folders = [ROOT / word for word in re.search(r'TESTS="(.*?)"', run["run"])[1].split()]
    users = {
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if re.search(r"^from quantizers import", path.read_text("utf-8"), re.MULTILINE)
    }
    left = {path for path in users if not any(path.is_relative_to(each) for each in folders)}
    assert left == {ROOT / "tests/real/test_real_models.py"}  # which `make real` runs


def test_no_job_of_the_tests_may_be_skipped_or_fail_in_silence():
    assert set(jobs("ci.yml")) == {
        "full",
        "pythons",
        "lowest",
        "processors",
        "cuda",
        "platforms",
    }
    assert set(jobs("nightly.yml")) == {"slow", "quantizers", "real", "coverage"}
    for job in (jobs("ci.yml") | jobs("nightly.yml")).values():
        for part in (job, *job.get("steps", [])):
            assert not {"if", "continue-on-error"} & set(part)


def test_what_is_published_is_what_was_checked():
    release = jobs("release.yml")
    said = "\n".join(step.get("run", "") for step in release["build"]["steps"])
    assert "twine check --strict dist/*" in said
    assert "check-wheel-contents dist/*.whl" in said
    assert uses(release["publish"]) == [
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]
    assert release["publish"]["steps"][-1]["with"]["attestations"] is True


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    done = subprocess.run(
        [SCRIPTS / "check-wheel-contents", "--config", ROOT / "pyproject.toml", wheel],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture
def notes():
    return runpy.run_path(str(NOTES))["notes"]


CHANGELOG = """# Changelog

## Unreleased

## 0.2.0 - 2026-12-01

### Added

- A thing.

## [0.1.0] - 2026-11-01

- All.
"""


def test_a_release_says_what_the_changelog_says(notes):
    assert notes(CHANGELOG, "v0.2.0") == "### Added\n\n- A thing.\n"
    assert notes(CHANGELOG, "v0.1.0") == "- All.\n"


@pytest.mark.parametrize("tag", ["v0.3.0", "v0.2", "vUnreleased"])
def test_a_version_of_which_nothing_is_said_is_not_released(notes, tag):
    with pytest.raises(SystemExit, match=r"CHANGELOG\.md says nothing under a heading of"):
        notes(CHANGELOG, tag)
