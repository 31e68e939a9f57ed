"""Every file under .github, held to the schemas, to zizmor and to shellcheck."""

import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from actions.harness import ACTION, GITHUB, load

SCRIPTS = Path(sysconfig.get_path("scripts"))
WORKFLOWS = sorted(GITHUB.glob("workflows/*.yml"))
EXAMPLES = sorted(GITHUB.glob("examples/*.yml"))
ACTIONS = sorted(GITHUB.glob("actions/*/action.yml"))
SHELL = sorted(GITHUB.rglob("*.sh"))
SCHEMAS = [
    ("vendor.github-workflows", [*WORKFLOWS, *EXAMPLES]),
    ("vendor.github-actions", ACTIONS),
    ("vendor.dependabot", [GITHUB / "dependabot.yml"]),
]
PINNED = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
OURS = re.compile(
    r"\$/\.github/(?:actions|workflows)/[\w.]+(?: #.*)?|hubmaxact/hubmaxact/[\w./-]+@v\d+\.\d+\.\d+"
)


def run(tool, *arguments, stdin=None):
    done = subprocess.run(
        [SCRIPTS / tool, *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_something_to_check():
    assert [len(WORKFLOWS), len(EXAMPLES), len(ACTIONS), len(SHELL)] == [4, 2, 1, 7]


def test_zizmor_finds_nothing_even_when_pedantic():
    run(
        "zizmor",
        "--offline",
        "--pedantic",
        "--strict-collection",
        "--no-progress",
        GITHUB,
        *EXAMPLES,
    )


@pytest.mark.parametrize(("schema", "files"), SCHEMAS, ids=[name for name, _ in SCHEMAS])
def test_every_file_is_valid_by_its_schema(schema, files):
    run("check-jsonschema", "--builtin-schema", schema, *files)


def blocks(node):
    """Every `run:` block in a document."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict) and isinstance(node.get("run"), str):
        yield node["run"]
    for child in children:
        yield from blocks(child)


@pytest.mark.parametrize("file", [*WORKFLOWS, *EXAMPLES, *ACTIONS], ids=lambda file: file.name)
def test_no_script_holds_an_expression_and_shellcheck_finds_nothing(file):
    for script in blocks(load(file)):
        assert "${{" not in script
        run("shellcheck", "--shell=bash", "-", stdin=script)


@pytest.mark.parametrize("file", SHELL, ids=lambda file: file.name)
def test_shellcheck_finds_nothing_in_a_file_of_its_own(file):
    subprocess.run(["bash", "-n", file], check=True)
    run("shellcheck", file)


@pytest.mark.parametrize("file", [*WORKFLOWS, *EXAMPLES, *ACTIONS], ids=lambda file: file.name)
def test_every_action_is_pinned_to_a_commit_and_names_its_version(file):
    for used in re.findall(r"^\s*(?:- )?uses: (.+)$", file.read_text("utf-8"), re.MULTILINE):
        assert PINNED.fullmatch(used) or OURS.fullmatch(used), used


def test_one_action_has_one_pin():
    pins = {}
    for file in [*WORKFLOWS, *EXAMPLES, *ACTIONS]:
        for name, pin in re.findall(
            r"uses: ([\w./-]+)@([0-9a-f]{40} # \S+)", file.read_text("utf-8")
        ):
            pins.setdefault(name, set()).add(pin)
    assert [name for name, found in pins.items() if len(found) != 1] == []


@pytest.mark.parametrize("file", [*WORKFLOWS, *EXAMPLES], ids=lambda file: file.name)
def test_a_workflow_grants_nothing_that_a_job_does_not_ask_for(file):
    workflow = load(file)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        granted = set(job["permissions"].items()) - {("contents", "read"), ("id-token", "write")}
        # Only the job that makes the release here may write here, and it runs nothing of ours.
        announces = (file.name, job["name"]) == ("release.yml", "Release here")
        assert granted == ({("contents", "write")} if announces else set())
    assert "pull_request_target" not in workflow["on"]


def test_the_action_hands_each_input_on_under_its_own_name_and_the_token_to_two_steps():
    action = load(ACTION / "action.yml")
    given = {}
    for step in action["runs"]["steps"]:
        for name, value in step.get("env", {}).items():
            wanted = name.removeprefix("INPUT_").lower().replace("_", "-")
            assert value == f"${{{{ inputs.{wanted} }}}}"
            given.setdefault(wanted, []).append(step["name"])
    assert given.keys() == action["inputs"].keys()
    assert given["hf-token"] == ["Measure", "Publish"]
    assert all("Check the inputs" in steps for name, steps in given.items() if name != "hf-token")
