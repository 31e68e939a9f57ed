"""`hubmaxact validate` answers on stdout, exits 0, 1 or 2, and is quick."""

import os
import subprocess
import sys
import time

import example_reports
import pytest
from click.testing import CliRunner

from hubmaxact.cli.validate import validate
from hubmaxact.report.write import report_bytes


@pytest.fixture
def report_file(tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(report_bytes(example_reports.small_report()))
    return path


def run(*paths):
    return CliRunner().invoke(validate, [str(path) for path in paths], catch_exceptions=False)


def test_a_valid_file(report_file):
    result = run(report_file)
    assert result.exit_code == 0
    assert result.stdout == f"{report_file}: valid\n"


def test_an_invalid_file_says_where_and_why(report_file):
    text = report_file.read_text().replace('"num_layers": 4', '"num_layers": 3')
    report_file.write_text(text)
    result = run(report_file)
    assert result.exit_code == 1
    first, *_ = result.stdout.splitlines()
    assert first.startswith(f"{report_file}: sites[")
    assert first.endswith("].layer: is 3, but model.num_layers is 3")


def test_every_file_gets_its_answer(report_file, tmp_path):
    other = tmp_path / "other.json"
    other.write_bytes(b"[1, 2")
    result = run(report_file, other, report_file)
    assert result.exit_code == 1
    assert result.stdout.count(": valid") == 2
    assert f"{other}: not JSON at line 1" in result.stdout


def test_many_problems_are_cut_at_twenty(tmp_path):
    path = tmp_path / "bad.json"
    report = report_bytes(example_reports.dense_report(12)).replace(
        b'"num_nan": 0', b'"num_nan": -1'
    )
    path.write_bytes(report)
    lines = run(path).stdout.splitlines()
    assert len(lines) == 21
    assert lines[-1] == f"{path}: and 30 or more other problems"


def test_an_unreadable_file_is_the_users_to_fix(tmp_path, report_file):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "missing.json", tmp_path, tmp_path / "pipe"):
        result = run(report_file, path)
        assert result.exit_code == 2
        assert result.stderr.startswith("hubmaxact: ")
        assert result.stdout == f"{report_file}: valid\n"


def test_a_newer_report_is_not_called_invalid(report_file):
    report_file.write_text(report_file.read_text().replace('"0.1"', '"0.7"', 1))
    result = run(report_file)
    assert result.exit_code == 2
    assert "newer than this reader" in result.stdout
    assert "upgrade hubmaxact" in result.stdout


def test_a_git_lfs_pointer_is_not_called_invalid(report_file):
    report_file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    result = run(report_file)
    assert result.exit_code == 2
    assert "a Git LFS pointer stands in the place of the report. Run `git lfs" in result.stdout


def test_a_hostile_name_and_content_cannot_steer_the_terminal(tmp_path):
    path = tmp_path / "\x1b[31m.json"
    path.write_text('{"\\u001b[2J\\u202e": 1}')
    result = run(path)
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output


def command(*words):
    started = time.perf_counter()
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "hubmaxact", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    return time.perf_counter() - started, result


@pytest.mark.parametrize("words", [["--help"], ["validate", "--help"], ["card", "--help"]])
def test_help_loads_little(words):
    _, result = command(*words)
    assert result.returncode == 0
    for heavy in ("torch", "transformers", "huggingface_hub", "jsonschema_rs", "rich", "numpy"):
        assert not [line for line in result.stderr.splitlines() if line.endswith(f" {heavy}")]


def test_validating_a_hundred_kilobytes_is_quick_and_loads_no_torch(tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(report_bytes(example_reports.dense_report(19)))
    assert 90_000 < path.stat().st_size < 130_000
    runs = [command("validate", str(path)) for _ in range(3)]
    for _, result in runs:
        assert result.stdout == f"{path}: valid\n"
        loaded = {line.split("|")[-1].strip() for line in result.stderr.splitlines()}
        assert not loaded & {"torch", "transformers", "huggingface_hub", "rich", "numpy"}
    # 0.26 s on two idle cores; the bound allows for import timing and a busy machine.
    assert min(seconds for seconds, _ in runs) < 1.5
