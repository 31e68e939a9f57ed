"""Runs the project's action and workflows as GitHub's runner does, against a loopback Hub.

    machine = Machine(hub, tmp_path)
    (machine.workspace / "activation_maxima.json").write_bytes(report)
    run = run_action({"repo": "alice/model"}, machine)
    assert run.outputs["pr-url"].endswith("/discussions/1")

Every `run:` is executed by bash, in order, with the variables and files that it would find. Two
things are stood in for: actions of others, which are written down in `run.used` and whose effect
the machine provides; and the action's step `install`, after which the hubmaxact under test lies
where that step would have put one (test_install.py runs the step itself). What is not understood
is an error.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from actions.expressions import filled, holds
from actions.log import Log
from actions.machine import Machine

GITHUB = Path(__file__).parents[2] / ".github"
ACTION = GITHUB / "actions" / "measure"
SHELL = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail")
STEP_KEYS = {"name", "id", "if", "shell", "env", "run", "uses", "with"}
OURS = "$/.github/"
OTHERS = {
    "actions/setup-python": Machine.set_up_python,
    "actions/checkout": lambda machine: None,  # the test has filled the workspace
}


@dataclass
class Run:
    """What became of an action or a job."""

    machine: Machine
    code: int = 0
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    log: Log = field(default_factory=Log)
    used: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return self.code != 0

    @property
    def said(self) -> str:
        """Everything that a person could read afterwards."""
        return "\n".join([self.log.shown, self.summary, *self.outputs.values()])


def load(path: Path) -> dict:
    """A YAML file of GitHub's, whose `on` is a word and not a truth value."""
    document = yaml.safe_load(path.read_text("utf-8"))
    if True in document:
        document["on"] = document.pop(True)
    return document


def run_action(inputs: Mapping[str, object], machine: Machine) -> Run:
    """Run the action as a step of a job on `machine`."""
    run = Run(machine)
    run.outputs = _composite(ACTION, inputs, machine, run)
    return _ended(run)


def run_workflow(
    name: str,
    inputs: Mapping[str, object],
    machine: Machine,
    secrets: Mapping[str, str] | None = None,
) -> Run:
    """Run the one job of a reusable workflow on `machine`; `code` is 0 for a skipped job too."""
    document, run = load(GITHUB / "workflows" / name), Run(machine)
    call = document["on"]["workflow_call"]
    given = _given(call["inputs"], inputs)
    allowed = dict.fromkeys(call["secrets"], "") | dict(secrets or {})
    contexts = {"inputs": given, "secrets": allowed, "github": machine.github}
    ((job_name, job),) = document["jobs"].items()
    if not holds(job["if"], contexts):
        return run
    found = {"steps": _steps(job["steps"], contexts, machine, run, folder=None)}
    outputs = {name: filled(value, found) for name, value in job["outputs"].items()}
    context = {"jobs": {job_name: {"outputs": outputs}}}
    declared = call["outputs"].items()
    run.outputs = {name: filled(output["value"], context) for name, output in declared}
    return _ended(run)


def run_script(script: str, machine: Machine, env: Mapping[str, str], run: Run) -> dict[str, str]:
    """Run one `run:` block; return the outputs it set."""
    files = machine.step_files()
    path = files["GITHUB_OUTPUT"].with_name("script.sh")
    path.write_text(script)
    done = subprocess.run(
        [*SHELL, path],
        cwd=machine.workspace,
        env={**machine.variables(), **env, **{name: str(file) for name, file in files.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        check=False,
    )
    run.code = done.returncode
    run.log.read(done.stdout.decode(errors="replace"))
    run.summary += files["GITHUB_STEP_SUMMARY"].read_text("utf-8")
    for name in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE"):
        assert files[name].read_bytes() == b"", f"a step wrote to {name}"
    return _outputs_in(files["GITHUB_OUTPUT"].read_text("utf-8"))


def _composite(folder, inputs, machine, run):
    action = load(folder / "action.yml")
    assert action["runs"]["using"] == "composite"
    contexts = {"inputs": _given(action["inputs"], inputs), "github": machine.github}
    steps = _steps(action["runs"]["steps"], contexts, machine, run, folder)
    outputs = action["outputs"].items()
    return {name: filled(output["value"], {"steps": steps}) for name, output in outputs}


def _given(declared, inputs):
    unknown = inputs.keys() - declared.keys()
    assert not unknown, f"no such input: {unknown}"
    defaults = {name: str(each.get("default", "")) for name, each in declared.items()}
    return defaults | {name: filled(value, {}) for name, value in inputs.items()}


def _steps(steps, contexts, machine, run, folder):
    """Run steps until one fails; return the `steps` context."""
    done = {step["id"]: {"outputs": _Outputs()} for step in steps if "id" in step}
    for step in steps:
        assert step.keys() <= STEP_KEYS, f"unknown in a step: {step.keys() - STEP_KEYS}"
        here = {**contexts, "steps": done}
        if run.failed or ("if" in step and not holds(step["if"], here)):
            continue
        run.steps.append(step["name"])
        outputs = _step(step, here, machine, run, folder)
        if "id" in step:
            done[step["id"]]["outputs"].update(outputs)
    return done


def _step(step, contexts, machine, run, folder):
    if "uses" in step:
        return _use(step, contexts, machine, run)
    if step.get("id") == "install":
        machine.install_hubmaxact()
        return {}
    assert folder is None or step["shell"] == "bash"
    assert "${{" not in step["run"], "an expression in a script"
    env = {name: filled(value, contexts) for name, value in step.get("env", {}).items()}
    if folder is not None:
        env["GITHUB_ACTION_PATH"] = str(folder)
    return run_script(step["run"], machine, env, run)


def _use(step, contexts, machine, run):
    run.used.append(step["uses"])
    given = {name: filled(value, contexts) for name, value in step.get("with", {}).items()}
    if step["uses"].startswith(OURS):
        folder = GITHUB / step["uses"].removeprefix(OURS)
        return _composite(folder, given, machine, run)
    OTHERS[step["uses"].partition("@")[0]](machine)
    return {}


def _outputs_in(text):
    """What the runner reads from an output file; the form for many lines is not used here."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        assert equals, f"not an output: {line!r}"
        assert "<<" not in name, f"a value of many lines: {line!r}"
        assert name not in found, f"set twice: {name}"
        found[name] = value
    return found


def _ended(run):
    assert run.log.stopped_until is None, "commands were never turned on again"
    return run


class _Outputs(dict):
    """Outputs of a step: one that was not set is empty."""

    def __contains__(self, name):
        return True

    def __missing__(self, name):
        return ""
