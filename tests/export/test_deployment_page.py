"""docs/deployment.md: its commands are ours, its snippets run, and it shows every format.

What it prints is of two models that no clone has: whoever measures them again prints it anew.
"""

import re
import shlex
from pathlib import Path

import pytest
from deployed_reports import deployment_report
from exported import write_report

from hubmaxact.cli.main import Commands
from hubmaxact.engine_files.table import ROWS

PAGE = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text("utf-8")
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SNIPPET = re.compile(r"^```python\n(.*?)^```\n```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OF_OTHERS = 2
"""Snippets that other libraries run with an exported file."""

COMMANDS = [
    line.removeprefix("hubmaxact ")
    for block in SHELL.findall(PAGE)
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("hubmaxact ")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one_of_ours(command):
    name, *words = shlex.split(command)
    found = Commands().get_command(None, name)
    found.make_context(name, words).close()


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
