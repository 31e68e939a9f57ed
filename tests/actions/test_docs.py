"""docs/action.md says what the action takes and gives, and its examples are the tested ones."""

import re
import shlex
import subprocess
import sys

import pytest

import hubmaxact
from actions.harness import ACTION, GITHUB, load
from hubmaxact.cli.main import group
from hubmaxact.gate import limits

PAGE = GITHUB.parent / "docs" / "action.md"
BLOCK = re.compile(r"<!-- BEGIN (?P<name>\S+) -->\n.*?<!-- END (?P=name) -->", re.DOTALL)
EXAMPLES = GITHUB / "examples"
FLEETS = sorted(EXAMPLES.glob("fleet-*.sh"))
LANGUAGES = {".yml": "yaml", ".toml": "toml", ".sh": "sh"}


def cell(words):
    return " ".join(words.split()).replace("|", "&#124;")


def inputs():
    lines = ["| input | what it is | default |", "| --- | --- | --- |"]
    for name, given in load(ACTION / "action.yml")["inputs"].items():
        default = "required" if given.get("required") else given.get("default", "")
        shown = f"`{default}`" if default and default != "required" else default
        lines.append(f"| `{name}` | {cell(given['description'])} | {shown} |")
    return "\n".join(lines)


def outputs():
    lines = ["| output | what it is |", "| --- | --- |"]
    for name, given in load(ACTION / "action.yml")["outputs"].items():
        lines.append(f"| `{name}` | {cell(given['description'])} |")
    return "\n".join(lines)


def block(found):
    name = found["name"]
    if name in {"inputs", "outputs"}:
        body = globals()[name]()
    else:
        file = GITHUB.parent / name
        body = f"```{LANGUAGES[file.suffix]}\n{file.read_text('utf-8')}```"
    return f"<!-- BEGIN {name} -->\n\n{body}\n\n<!-- END {name} -->"


def test_the_page_is_what_the_files_say(docs_file):
    page = PAGE.read_text("utf-8")
    assert {found["name"] for found in BLOCK.finditer(page)} == {
        *("inputs", "outputs"),
        *(f".github/examples/{file.name}" for file in EXAMPLES.iterdir() if file not in FLEETS),
    }
    docs_file("action.md", BLOCK.sub(block, page))


def test_the_page_on_scale_links_what_starts_a_fleet():
    page = PAGE.with_name("scale.md").read_text("utf-8")
    started = {file.name for file in FLEETS} - {"fleet-list.sh", "fleet-member.sh"}
    assert set(re.findall(r"\]\(\.\./\.github/examples/([\w.-]+)\)", page)) == started


def test_examples_name_the_release_they_come_with():
    for file in [*EXAMPLES.iterdir(), PAGE]:
        named = re.findall(
            r"(?:hubmaxact/\S+@v|hubmaxact\[measure\]==|`@v)([\d.]+\d)", file.read_text()
        )
        assert set(named) <= {hubmaxact.__version__}


def test_the_calling_example_fits_the_workflow_it_calls():
    called = load(GITHUB / "workflows/release-report.yml")
    (job,) = load(EXAMPLES / "release.yml")["jobs"].values()
    assert job["uses"].startswith("hubmaxact/hubmaxact/.github/workflows/release-report.yml@")
    assert job["with"].keys() <= called["on"]["workflow_call"]["inputs"].keys()
    assert job["permissions"] == called["jobs"]["publish"]["permissions"]


def test_the_measuring_example_fits_the_action():
    (job,) = load(EXAMPLES / "measure-on-a-gpu.yml")["jobs"].values()
    step = job["steps"][-1]
    assert step["uses"].startswith("hubmaxact/hubmaxact/.github/actions/measure@")
    assert step["with"].keys() <= load(ACTION / "action.yml")["inputs"].keys()


def test_the_example_of_a_gate_is_one():
    settings = limits.settings_of(EXAMPLES / "gate.toml")
    gate = limits.limits(settings)
    assert gate.require_complete
    assert gate.not_exceeding == ("float16",)


def test_the_report_that_a_tag_takes_is_prepared_by_commands_that_we_have():
    script = (EXAMPLES / "prepare.sh").read_text("utf-8")
    lines = [shlex.split(line) for line in script.splitlines() if line.startswith("hubmaxact ")]
    assert [line[1] for line in lines] == ["measure", "check"]
    for _, command, *arguments in lines:
        known = {option for each in group.get_command(None, command).params for option in each.opts}
        assert {word for word in arguments if word.startswith("--")} <= known


@pytest.fixture
def job(tmp_path):
    """Run job.sh with the real `hf`, told not to submit anything; what it would have run."""
    program = tmp_path / "hf"
    main = "from huggingface_hub.cli.hf import main; main()"
    rest = '"$1" "$2" --dry-run "${@:3}"'
    last = f'printf %s "${{@: -1}}" > "{tmp_path}/script"'
    program.write_text(f"#!/bin/bash\n{last}\nexec '{sys.executable}' -c '{main}' {rest}\n")
    program.chmod(0o755)
    done = subprocess.run(
        ["bash", EXAMPLES / "job.sh"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Job not submitted" in done.stdout + done.stderr
    return (tmp_path / "script").read_text()


def test_the_job_is_one_that_hf_takes_and_its_commands_are_ours(job):
    lines = [shlex.split(line) for line in job.splitlines() if "hubmaxact " in line]
    assert [line[1] for line in lines] == ["measure", "check", "push"]
    for _, name, *arguments in lines:
        command = group.get_command(None, name)
        command.make_context(name, arguments).close()
