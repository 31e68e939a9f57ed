"""What ends one process ends all, told once and by name, in seconds whatever the others do."""

import os
import signal
import time

import pytest
from measurement.distributed.several import Started

SOON = 20.0  # seconds, on a machine that has other things to do
LOST = "it ended without a word, as a process does that is killed"


@pytest.mark.by_day("memory,1,works*", "SIGKILL,0,waits*", "refused,2,stuck*")
@pytest.mark.parametrize(
    ("how", "codes", "told"),
    [
        ("refused,1,waits", [2, 2, 2], "rank 1: a batch does not fit."),
        ("refused,0,works", [2, 2, 2], "rank 0: a batch does not fit."),
        ("refused,2,stuck", [2, 2, 2], "rank 2: a batch does not fit."),
        ("memory,1,works", [2, 2, 2], "rank 1: memory ran out."),
        ("SIGKILL,1,works", [2, -9, 2], f"rank 1: {LOST}"),
        ("SIGKILL,2,waits", [2, 2, -9], f"rank 2: {LOST}"),
        ("SIGKILL,0,works", [-9, 2, 2], f"rank 0: {LOST}"),
        ("SIGKILL,0,waits", [-9, 2, 2], f"rank 0: {LOST}"),
        ("SIGINT,1,works", [130, 130, 130], "rank 1: interrupted."),
    ],
)
def test_what_ends_one_ends_all(tmp_path, how, codes, told):
    started = Started(tmp_path, 3, "fails", how)
    assert (started.end(), len(started.sentences)) == (codes, 1)
    assert started.sentences[0].startswith(f"hubmaxact: {told}")
    assert started.seconds < SOON


def test_what_all_fail_of_is_told_once(tmp_path):
    started = Started(tmp_path, 3, "fails", "refused,all,")
    assert started.end() == [2, 2, 2]
    (told,) = started.sentences
    assert told.endswith("a batch does not fit.")


def test_a_bug_keeps_its_traceback_and_the_others_are_silent(tmp_path):
    started = Started(tmp_path, 3, "fails", "bug,1,works")
    assert started.end() == [1, 1, 1]
    assert "ZeroDivisionError: one by zero" in started.told(1)
    assert started.told(0) == started.told(2) == ""


def test_who_is_told_to_end_says_nothing_and_leaves_no_file(tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    started = Started(tmp_path, 2, "waits", files)
    while len(list(files.iterdir())) < 2:
        time.sleep(0.05)
    started.processes[1].terminate()
    assert (started.end(), started.sentences, list(files.iterdir())) == ([143, 143], [], [])


def test_who_is_stopped_is_waited_for(tmp_path):
    """A process that is stopped for a while lives, which no time-out could know."""
    files = tmp_path / "files"
    files.mkdir()
    started = Started(tmp_path, 2, "late", 0.5)
    time.sleep(0.3)
    os.kill(started.processes[1].pid, signal.SIGSTOP)
    started.processes[0].join(6)
    assert started.processes[0].exitcode is None
    os.kill(started.processes[1].pid, signal.SIGCONT)
    assert (started.end(), started.told(0)) == ([0, 0], "0 1\n")


def test_who_never_comes_is_named(tmp_path):
    started = Started(tmp_path, 2, "late", 0, WORLD_SIZE="3", JOINING="3")
    assert started.end() == [2, 2]
    (told,) = started.sentences
    assert told.startswith("hubmaxact: rank 0: the 3 processes do not find each other at 127.0.0.1")
