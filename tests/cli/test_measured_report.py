"""What was measured is written where it was asked for, or elsewhere, and is never lost."""

import io
import resource
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import click
import example_reports
import pytest
from command import environment

from hubmaxact import read_report
from hubmaxact.cli import measured_report, streams
from hubmaxact.cli.measured_report import (
    Target,
    check,
    check_room,
    takes_standard_output,
    targets,
    write,
)
from hubmaxact.cli.progress_bar import console
from hubmaxact.files import WriteError
from hubmaxact.report.document import REPORT_NAME

REPORT = example_reports.small_report()


@contextmanager
def full_disk():
    """No file may grow beyond 4 KiB."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_is_seen_before_measuring(tmp_path):
    needed = r"File too large, and 1,\S+ bytes are needed\. Free some space"
    with full_disk(), pytest.raises(WriteError, match=needed):
        check([Target(tmp_path / "report.json")])
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_finds_no_room_is_put_elsewhere_and_the_sentence_says_where(
    tmp_path, monkeypatch
):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    with pytest.raises(WriteError, match=r"^cannot write /dev/full: No space .* is in ") as caught:
        write(REPORT, [Target(Path("/dev/full"))])
    (kept,) = (tmp_path / "elsewhere").glob("*/*.json")
    assert str(caught.value).endswith(f"The report is in {kept}.")
    assert read_report(kept) == REPORT


def test_where_nothing_can_be_written_the_report_is_printed(tmp_path, monkeypatch, capsysbinary):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(WriteError, match=r"The report is in standard output\.$"):
        write(REPORT, [Target(tmp_path / "nowhere" / "report.json")])
    assert read_report(capsysbinary.readouterr().out) == REPORT


SIDECARS = {"channels.safetensors": b"of channels", "blocks.safetensors": b"of blocks"}


def test_what_goes_elsewhere_takes_what_lies_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(WriteError, match="The report is in "):
        write(REPORT, [Target(Path("/dev/full"))], SIDECARS)
    (kept,) = tmp_path.glob("*/*.json")
    folder = kept.with_suffix("")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == SIDECARS


def test_another_models_report_keeps_what_lies_beside_it(tmp_path):
    target = Target(tmp_path / "report.json")
    other = example_reports.small_report(model={"id": "alice/other"})
    write(REPORT, [target], SIDECARS)
    write(other, [target], {"channels.safetensors": b"of others"})
    kept = tmp_path / "report-1"
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == SIDECARS
    assert read_report(tmp_path / "report-1.json") == REPORT
    (new,) = (tmp_path / "report").iterdir()
    assert new.read_bytes() == b"of others"


@pytest.mark.parametrize("name", ["report", "report.json", "a.b.json"])
def test_a_folder_is_named_as_its_report(tmp_path, name):
    write(REPORT, [Target(tmp_path / name)], SIDECARS)
    folder = {"report": "report.sidecars", "report.json": "report", "a.b.json": "a.b"}[name]
    assert {path.name for path in (tmp_path / folder).iterdir()} == set(SIDECARS)


def test_what_is_no_folder_is_not_written_through(tmp_path):
    for make in (Path.touch, lambda path: path.symlink_to(tmp_path / "elsewhere")):
        make(tmp_path / "report")
        with pytest.raises(WriteError, match="which is no folder"):
            check([Target(tmp_path / "report.json")], with_sidecars=True)
        (tmp_path / "report").unlink()
    check([Target(tmp_path / "report.json")], with_sidecars=True)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_file_has_nothing_beside_it_and_that_is_said(capsys):
    write(REPORT, [Target(Path("/dev/null"))], SIDECARS)
    told = "channels.safetensors and blocks.safetensors lie beside a file and were not written"
    assert told in capsys.readouterr().err


def test_of_two_places_the_one_that_took_it_is_named(tmp_path, capsys):
    good, bad = tmp_path / "good.json", tmp_path / "nowhere" / "bad.json"
    with pytest.raises(WriteError, match=f"cannot write {bad}.*The report is in {good}"):
        write(REPORT, [Target(good), Target(bad)])
    assert read_report(good) == REPORT


def test_places_are_what_was_asked_for(tmp_path):
    assert targets(None, None, "alice/model") == [Target(Path(REPORT_NAME))]
    own = Target(tmp_path / REPORT_NAME, own_folder=True)
    assert targets(None, tmp_path, str(tmp_path)) == [own]
    standard = Target(measured_report.STANDARD_OUTPUT)
    assert targets(Path("-"), None, "alice/model") == [standard]


def test_a_full_standard_output_is_one_sentence(tmp_path):
    path = tmp_path / "report.json"
    write(REPORT, [Target(path)])
    with open("/dev/full", "wb") as full:  # noqa: PTH123 a device
        done = subprocess.run(
            [sys.executable, "-m", "hubmaxact", "card", str(path)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=environment(tmp_path),
        )
    assert done.returncode == 2
    sentence = "hubmaxact: cannot write standard output: No space left on device. Free some space."
    assert done.stderr.splitlines() == [sentence]


def test_progress_that_cannot_be_shown_stops_no_run(monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    streams.make_ready()
    console(stderr=True).print("a line")
    click.echo("another", err=True)
    monkeypatch.setattr(sys, "stderr", None)  # closed before the start
    streams.make_ready()
    click.echo("a third", err=True)


def test_a_standard_output_that_is_closed_is_refused_before_measuring(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(WriteError, match="standard output: it is closed"):
        check(targets(Path("-"), None, "alice/model"))
    assert not takes_standard_output([Target(Path("/dev/stderr"))])


def test_room_for_what_lies_beside_is_checked_too(tmp_path):
    target = [Target(tmp_path / "report.json"), Target(Path("/dev/null"))]
    check_room(target, 4096)
    needed = r"report: File too large, and 4,097 bytes are needed\. Free some space"
    with full_disk(), pytest.raises(WriteError, match=needed):
        check_room(target, 4097)
    assert list(tmp_path.iterdir()) == []
