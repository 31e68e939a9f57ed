"""docs/deployment.md: its commands are ours, its snippets run, and it shows every format.

What it prints is of two models that no clone has: whoever measures them again prints it anew.
"""

import re
import shlex
from pathlib import Path

import pytest
from command import hubmaxact_here
from deployed_reports import deployment_report
from exported import write_report
from page_commands import commands_of, parsed

from hubmaxact.engine_files.table import ROWS

PAGE = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text("utf-8")
SNIPPET = re.compile(r"^```python\n(.*?)^```\n```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OF_OTHERS = 4
"""Snippets that other libraries run with an exported file."""

COMMANDS = commands_of(PAGE)
OF_A_REPORT = re.compile("--to (sglang-kv-json|ignore-list|openvino) ")
"""Others take a checkpoint or sidecars, too: tests/export and tests/sidecars run those."""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one_of_ours(command):
    assert parsed(command)


@pytest.mark.parametrize("command", [each for each in COMMANDS if OF_A_REPORT.search(each)])
def test_every_command_that_takes_a_report_alone_runs(command, tmp_path):
    report = deployment_report(2, rounded=True, model={"model_type": "llama"})
    for name in ("gemma.json", "smollm2.json"):
        write_report(tmp_path / name, report)
    done = hubmaxact_here(*shlex.split(command), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / parsed(command)["output"]).is_file()


def test_sglang_is_given_the_report_of_a_model_that_it_loads_scales_for():
    """Its file for Gemma would stop it."""
    (made,) = (words for words in COMMANDS if "--to sglang-kv-json" in words)
    assert made.startswith("export smollm2.json ")
    launches = re.findall(r"sglang.launch_server .*?(?=```)", PAGE, re.DOTALL)
    (launch,) = (words for words in launches if "--quantization-param-path" in words)
    assert "--model-path ./SmolLM2-135M-Instruct" in launch


def test_every_format_is_shown():
    shown = set(re.findall(r"--to (\S+)", "\n".join(COMMANDS)))
    assert shown == {row.name for row in ROWS}


def test_every_snippet_runs_and_prints_as_many_columns(tmp_path, monkeypatch, capsys):
    """Over reports by arithmetic, in the place of those that the page measures."""
    monkeypatch.chdir(tmp_path)
    for name in ("gemma.json", "smollm2.json"):
        write_report(tmp_path / name, deployment_report(2))
    names, found = {}, SNIPPET.findall(PAGE)
    assert len(found) == PAGE.count("```python\n") - OF_OTHERS
    for code, shown in found:
        exec(compile(code, "docs/deployment.md", "exec"), names)
        printed = capsys.readouterr().out.splitlines()
        assert printed[0].split()[-1] == shown.splitlines()[0].split()[-1]
        assert len(printed[1].split()) == len(shown.splitlines()[1].split())
