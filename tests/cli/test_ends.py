"""However a command ends, its exit code is no answer that it did not give."""

import os
import subprocess
import sys
from contextlib import suppress

import click
import example_reports
import pytest
from command import environment

from hubmaxact.cli import main as command_line
from hubmaxact.cli.main import Commands
from hubmaxact.report.write import write_report


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "hubmaxact: interrupted."),
        (BrokenPipeError(32, "Broken pipe"), 141, ""),
        (MemoryError("std::bad_alloc"), 2, "hubmaxact: memory ran out. Free some, or"),
        (OSError(12, "Cannot allocate memory"), 2, "hubmaxact: memory ran out. Free some, or"),
        (ImportError("libx.so: failed to map segment"), 2, "hubmaxact: memory ran out. Free some"),
        (
            ImportError("undefined\nsymbol: x"),
            2,
            "hubmaxact: a library that it needs cannot be loaded: undefined symbol: x. Install",
        ),
        (OSError(28, "No space left on device", "/x"), 2, "hubmaxact: cannot write /x: No space"),
    ],
)
def test_what_ends_a_command_is_told(monkeypatch, capsys, error, code, said):
    @click.command()
    def raises():
        raise error

    monkeypatch.setattr(Commands, "get_command", lambda *_: raises)
    monkeypatch.setattr(sys, "argv", ["hubmaxact", "raises"])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    told = capsys.readouterr().err.strip()
    assert (ended.value.code, told[: len(said)] or told) == (code, said)


def test_a_bug_keeps_its_traceback(monkeypatch):
    @click.command()
    def raises():
        raise ImportError("no such thing", name="hubmaxact.cli")

    monkeypatch.setattr(Commands, "get_command", lambda *_: raises)
    monkeypatch.setattr(sys, "argv", ["hubmaxact", "raises"])
    with pytest.raises(ImportError):
        command_line.main()


def test_streams_that_take_nothing_change_no_answer(tmp_path):
    """Exit codes of `(arguments, stdout, stderr)`, where a stream may be full, closed or unread."""
    path = tmp_path / "report.json"
    write_report(example_reports.small_report(), path)
    for words, out, err, code in (
        (("validate", path), "unread", "file", 141),
        (("compare", path, path), "unread", "file", 141),
        (("validate", path), "full", "full", 2),
        (("validate", tmp_path / "no"), "file", "full", 2),
        (("validate", tmp_path / "no"), "file", "unread", 2),
        (("validate", tmp_path / "no"), "file", "closed", 2),
        (("validate", path), "file", "closed", 0),
        (("check", path, "--max-abs", "1e-9"), "file", "full", 1),
    ):
        done = _run(words, out, err, tmp_path)
        assert (done.returncode, done.stderr or "") == (code, ""), (words, out, err)


def _run(words, out, err, home):
    """Run `hubmaxact WORDS`, each stream as its word says."""
    reading, unread = os.pipe()
    os.close(reading)
    full = os.open("/dev/full", os.O_WRONLY)
    script = 'exec "$@" 2>&-' if err == "closed" else 'exec "$@"'
    given = {"unread": unread, "full": full, "file": subprocess.PIPE, "closed": None}
    try:
        return subprocess.run(
            ["sh", "-c", script, "sh", sys.executable, "-m", "hubmaxact", *map(str, words)],
            stdout=given[out],
            stderr=given[err],
            text=True,
            check=False,
            env=environment(home),
        )
    finally:
        for descriptor in (unread, full):
            with suppress(OSError):
                os.close(descriptor)
