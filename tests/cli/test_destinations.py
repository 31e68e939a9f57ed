"""Whatever `--output` leads to, and whatever becomes of it while a run goes on."""

import errno
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path

import example_reports
import pytest

from hubmaxact import read_report
from hubmaxact.cli.measured_report import Target, check, write
from hubmaxact.files import WriteError
from hubmaxact.report.write import report_bytes

REPORT = example_reports.small_report()
LARGE = example_reports.huge_report()
SIDECARS = {"channels.safetensors": b"of channels", "blocks.safetensors": b"of blocks"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """The folder for temporary files."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_of_links_to_links_the_last_ones_target_is_replaced(tmp_path):
    (tmp_path / "runs").mkdir()
    target, link, first = (tmp_path / name for name in ("runs/1.json", "latest", "published.json"))
    link.symlink_to("runs/1.json")
    first.symlink_to("latest")
    for _ in ("nothing is there yet", "a report is"):
        check([Target(first)])
        write(REPORT, [Target(first)])
        assert (first.is_symlink(), link.is_symlink()) == (True, True)
        assert contents(tmp_path / "runs") == {"1.json": report_bytes(REPORT)}
    assert target.stat().st_nlink == 1


def test_a_link_into_a_folder_that_takes_nothing_is_refused_at_once(tmp_path):
    (tmp_path / "link.json").symlink_to("/sys/report.json")  # read-only, for root too
    with pytest.raises(WriteError, match=r"^cannot write /sys/report\.json: "):
        check([Target(tmp_path / "link.json")])
    assert (tmp_path / "link.json").is_symlink()


@pytest.mark.parametrize("sidecars", [{}, SIDECARS])
def test_a_folder_that_disappears_meanwhile_costs_nothing(tmp_path, elsewhere, sidecars):
    folder = tmp_path / "place"
    folder.mkdir()
    place = [Target(folder / "report.json")]
    check(place, with_sidecars=bool(sidecars))
    shutil.rmtree(folder)
    with pytest.raises(WriteError, match=r"No such file or directory.* The report is in ") as told:
        write(REPORT, place, sidecars)
    (kept,) = elsewhere.glob("*/activation_maxima.json")
    assert str(told.value).endswith(f"The report is in {kept}.")
    assert read_report(kept) == REPORT
    beside = kept.with_suffix("")
    assert (contents(beside) if sidecars else {}) == sidecars
    assert not folder.exists()


def test_a_second_place_comes_before_the_one_for_temporary_files(tmp_path, elsewhere):
    second = tmp_path / "state"
    second.mkdir()
    full = [Target(Path("/dev/full"))]
    with pytest.raises(WriteError, match=f"The report is in {second}/"):
        write(REPORT, full, SIDECARS, second=second)
    (kept,) = second.glob("*/activation_maxima.json")
    assert read_report(kept) == REPORT
    assert contents(kept.with_suffix("")) == SIDECARS
    shutil.rmtree(second)
    with pytest.raises(WriteError, match=f"The report is in {elsewhere}/"):
        write(REPORT, full, second=second)


def test_what_goes_to_standard_output_lacks_what_lies_beside_and_says_so(
    tmp_path, monkeypatch, capsysbinary
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    without = r"standard output, without channels\.safetensors and blocks\.safetensors\.$"
    with pytest.raises(WriteError, match=without):
        write(REPORT, [Target(Path("/dev/full"))], SIDECARS)
    assert capsysbinary.readouterr().out == report_bytes(REPORT)


def test_where_standard_output_is_closed_too_the_loss_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(WriteError, match=r"No other place took the report, and it is lost\.$"):
        write(REPORT, [Target(Path("/dev/full"))])


def test_of_two_places_that_fail_both_are_told(tmp_path, elsewhere):
    places = [Target(Path("/dev/full")), Target(tmp_path / "nowhere" / "report.json")]
    both = r"/dev/full: No space left on device\. cannot write .*nowhere.* The report is in "
    with pytest.raises(WriteError, match=both):
        write(REPORT, places)
    assert len(list(elsewhere.iterdir())) == 1


def test_a_pipe_that_nobody_waits_for_gets_a_large_report_whole(monkeypatch):
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # as some programs leave the pipes of their children
    got = []
    with os.fdopen(writing, "w") as stream, os.fdopen(reading, "rb") as reader:
        monkeypatch.setattr(sys, "stdout", stream)
        thread = threading.Thread(target=lambda: got.append(reader.read()))
        timer = threading.Timer(0.2, thread.start)
        timer.start()
        write(LARGE, [Target(Path(f"/dev/fd/{writing}"))])
        assert not os.get_blocking(writing)
        stream.close()
        timer.join()
        thread.join()
    assert len(report_bytes(LARGE)) > 2**17
    assert got == [report_bytes(LARGE)]


def test_a_reader_that_leaves_costs_nothing(elsewhere, tmp_path):
    os.mkfifo(tmp_path / "pipe")

    def leave():
        os.close(os.open(tmp_path / "pipe", os.O_RDONLY))

    thread = threading.Thread(target=leave)
    thread.start()
    with pytest.raises(WriteError, match=os.strerror(errno.EPIPE)):
        write(LARGE, [Target(tmp_path / "pipe")])
    thread.join()
    (kept,) = elsewhere.glob("*/activation_maxima.json")
    assert read_report(kept) == LARGE
