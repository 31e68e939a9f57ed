"""A report goes to whatever stands at a path, and nothing that stands there is lost."""

import os
import stat
import threading
from contextlib import chdir
from functools import partial
from pathlib import Path

import example_reports
import pytest

from hubmaxact import read_report, write_report
from hubmaxact.files import WriteError
from hubmaxact.report import destination
from hubmaxact.report.destination import check_destination, keep_other
from hubmaxact.report.write import report_bytes

FIRST = example_reports.small_report(model={"id": "alice/first"})
SECOND = example_reports.small_report(model={"id": "alice/second"})
CONTENT = report_bytes(FIRST)


def test_what_a_link_leads_to_is_replaced_and_the_link_stays(tmp_path):
    (tmp_path / "runs").mkdir()
    target, link = tmp_path / "runs" / "run-1.json", tmp_path / "latest.json"
    link.symlink_to("runs/run-1.json")
    for _ in ("a link that leads nowhere yet", "one that leads to a file"):
        check_destination(link)
        write_report(FIRST, link)
        assert link.is_symlink()
        assert target.read_bytes() == CONTENT
    assert [each.name for each in (tmp_path / "runs").iterdir()] == ["run-1.json"]


def test_the_reader_of_a_pipe_gets_the_report_and_the_pipe_stays(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    check_destination(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_report(FIRST, pipe)
    reader.join(20)
    assert got == [CONTENT]
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


def test_a_pipe_that_nobody_reads_is_not_waited_for_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(destination, "READER_SECONDS", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WriteError, match=r"cannot write .*pipe: nobody reads it"):
        write_report(FIRST, tmp_path / "pipe")


def test_devices_are_written_and_a_full_one_is_refused():
    check_destination(Path("/dev/null"))
    write_report(FIRST, "/dev/null")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(WriteError, match="cannot write /dev/full: No space left on device"):
        write_report(FIRST, "/dev/full")


def test_what_takes_no_report_is_refused_before_any_work(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("")
    for place, reason in (
        (tmp_path, "it is a folder"),
        (tmp_path / "loop", "symbolic links"),
        (tmp_path / "file" / "report.json", "Not a directory"),
        (tmp_path / "nowhere" / "report.json", "No such file"),
        (tmp_path / "a\0b", "it is no path"),
    ):
        with pytest.raises(WriteError, match=f"cannot write .*{reason}"):
            check_destination(place)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "loop"]


def test_a_name_is_told_in_one_line(tmp_path):
    with pytest.raises(WriteError) as caught:
        check_destination(tmp_path / "no\n\x1b[31m" / "report.json")
    assert "no\\u000a\\u001b[31m/report.json: No such file" in str(caught.value)


def test_where_the_working_folder_is_gone_a_name_in_it_is_refused(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    with chdir(gone):
        gone.rmdir()
        for call in (check_destination, partial(write_report, FIRST)):
            with pytest.raises(WriteError, match=r"cannot write report\.json: No such file"):
                call(Path("report.json"))
        os.chdir(tmp_path)


def test_another_models_report_keeps_its_content_under_another_name(tmp_path):
    path = tmp_path / "activation_maxima.json"
    write_report(FIRST, path)
    assert keep_other(path, FIRST) is None
    said = keep_other(path, SECOND)
    kept = tmp_path / "activation_maxima-1.json"
    assert said.sentence == f"{path} held the report of alice/first; that is now {kept}."
    assert said.path == kept
    write_report(SECOND, path)
    keep_other(path, FIRST)
    assert read_report(kept) == FIRST
    assert read_report(tmp_path / "activation_maxima-2.json") == SECOND


def test_without_an_id_the_weights_tell_models_apart(tmp_path):
    path = tmp_path / "report.json"
    nameless = {"id": None, "revision": None, "commit": None}
    local = example_reports.small_report(model=nameless)
    files = [{**local["model"]["weight_files"][0], "sha256": "0" * 64}]
    retrained = example_reports.small_report(model={**nameless, "weight_files": files})
    write_report(local, path)
    assert keep_other(path, local) is keep_other(path, FIRST) is None
    assert keep_other(path, retrained, own_folder=True) is None
    assert "held the report of another checkpoint" in keep_other(path, retrained).sentence


def test_what_is_no_report_is_kept_too_unless_it_is_empty(tmp_path):
    notes, empty = tmp_path / "notes.json", tmp_path / "empty.json"
    notes.write_text('{"mine": 1}')
    empty.touch()
    assert "held something that is no report" in keep_other(notes, FIRST).sentence
    assert (tmp_path / "notes-1.json").read_text() == '{"mine": 1}'
    assert keep_other(empty, FIRST) is keep_other(tmp_path / "new.json", FIRST) is None
