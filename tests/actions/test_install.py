"""The step that installs, run for real without a network; and what it asks of pip otherwise."""

import json
import subprocess
import sys
import sysconfig

import pytest

import hubmaxact
from actions.harness import ACTION, Run, load, run_script

(STEP,) = (
    step for step in load(ACTION / "action.yml")["runs"]["steps"] if step.get("id") == "install"
)
ROOT = ACTION.parents[2]
CONSTRAINTS = ["-c", str(ROOT / "constraints.txt")]
QUIET = ["-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
RECORDER = """#!{python}
import json, os, shutil, sys
if sys.argv[1:3] == ["-m", "venv"]:
    os.makedirs(sys.argv[3] + "/bin")
    shutil.copy(sys.argv[0], sys.argv[3] + "/bin/python")
else:
    with open({calls!r}, "a") as file:
        file.write(json.dumps(sys.argv[1:]) + "\\n")
"""


@pytest.fixture
def install(machine):
    def run(**env):
        run = Run(machine)
        names = dict.fromkeys(STEP["env"], "")
        run_script(STEP["run"], machine, names | env | {"GITHUB_ACTION_PATH": str(ACTION)}, run)
        return run

    return run


@pytest.mark.nightly
def test_the_package_beside_the_action_is_installed_out_of_the_callers_way(machine, install):
    machine.set_up_python()
    # What the package needs is taken from here instead of from an index.
    machine.extra = {"PYTHONPATH": sysconfig.get_path("purelib"), "PIP_NO_INDEX": "1"}
    run = install()
    assert run.code == 0, run.log.shown
    venv = machine.temporary / "hubmaxact"
    (installed,) = venv.glob("lib/python*/site-packages/hubmaxact/__init__.py")
    assert installed.with_name("report").joinpath("activation_maxima.schema.json").is_file()
    done = subprocess.run(
        [venv / "bin" / "hubmaxact", "--version"],
        env=machine.variables(),
        cwd=machine.workspace,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"hubmaxact, version {hubmaxact.__version__}\n"


@pytest.fixture
def asked(machine, install):
    """What pip is asked for, with an index that is not there."""
    calls = machine.home / "calls"
    python = machine.tools / "python"
    python.write_text(RECORDER.format(python=sys.executable, calls=str(calls)))
    python.chmod(0o755)

    def run(**env):
        assert install(**env).code == 0
        return [json.loads(line) for line in calls.read_text().splitlines()]

    return run


def test_measuring_installs_what_measuring_needs_at_the_versions_tested(asked):
    assert asked(INPUT_CHECKPOINT="alice/model") == [
        [*QUIET, *CONSTRAINTS, "hatchling"],
        [*QUIET, *CONSTRAINTS, "--no-build-isolation", f"{ROOT}[measure]"],
    ]


def test_a_release_is_asked_for_by_its_exact_version(asked):
    assert asked(INPUT_VERSION="0.1.0") == [[*QUIET, "hubmaxact==0.1.0"]]


def test_a_version_is_one_word_to_pip_whatever_it_says(asked, machine):
    hostile = "1 --index-url=http://pwned $(touch canary); touch canary"
    assert asked(INPUT_VERSION=hostile) == [[*QUIET, f"hubmaxact=={hostile}"]]
    assert list(machine.home.rglob("canary")) == []


def test_an_install_that_fails_is_an_error_with_what_pip_said(machine, install):
    machine.set_up_python()
    machine.extra = {"PIP_NO_INDEX": "1"}
    run = install(INPUT_VERSION="9.9.9")
    assert run.code == 1
    (sentence,) = run.log.errors
    assert sentence == (
        "hubmaxact could not be installed: No matching distribution found for hubmaxact==9.9.9"
    )


def test_what_is_no_error_of_pip_is_an_error_all_the_same(machine, install):
    python = machine.tools / "python"
    for ending, reason in [("echo 100%; exit 3", "100%25"), ("exit 4", "exit code 4")]:
        python.write_text(f"#!/bin/sh\n{ending}\n")
        python.chmod(0o755)
        run = install()
        assert run.code == int(ending[-1])
        assert run.log.errors == [f"hubmaxact could not be installed: {reason}"]
