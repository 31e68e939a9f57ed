"""The engines that people start processes with: what they see, and how they end them."""

import os
import signal
import subprocess
import sys
import time

import pytest
from command import environment
from measurement.distributed.several import SCRIPT

TORCHRUN = ("torch.distributed.run", "--nproc-per-node", "2")
ACCELERATE = ("accelerate.commands.launch", "--multi_gpu", "--num_processes", "2")
SOON = 20.0  # seconds


def start(launcher, *argv, home):
    if launcher == ACCELERATE:
        launcher += ("--main_process_port", "0")
    return subprocess.Popen(
        [sys.executable, "-m", *launcher, str(SCRIPT), *map(str, argv)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
        env=environment(home),
        start_new_session=True,
    )


def sentences(told):
    return [line for line in told.splitlines() if line.startswith("hubmaxact: ")]


@pytest.mark.nightly
def test_torchrun_quotes_the_sentence_and_names_the_rank(tmp_path):
    process = start(TORCHRUN, "fails", "refused,1,works", home=tmp_path)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1  # its own
    assert sentences(told) == ["hubmaxact: rank 1: a batch does not fit."]
    others, cause = told.split("Root Cause")
    assert "traceback : ended, because of rank 1: a batch does not fit." in others
    assert "traceback : rank 1: a batch does not fit." in cause
    assert [each.count("exitcode  : 2 ") for each in (others, cause)] == [1, 1]


@pytest.mark.nightly
@pytest.mark.parametrize("launcher", [TORCHRUN, ACCELERATE])
def test_bytes_are_exchanged(tmp_path, launcher):
    process = start(launcher, "exchange", 20_000_000, home=tmp_path)
    printed, told = process.communicate(timeout=60)
    assert (process.returncode, printed) == (0, "2 processes, 20000000 bytes\n"), told


@pytest.mark.nightly
@pytest.mark.parametrize("launcher", [TORCHRUN, ACCELERATE])
@pytest.mark.parametrize(
    ("number", "told"),
    [
        (signal.SIGINT, [r"interrupted."]),
        (signal.SIGTERM, []),
        (signal.SIGKILL, ["torchrun, which started it, was killed."]),
    ],
)
def test_what_ends_the_launcher_ends_all(tmp_path, launcher, number, told):
    files = tmp_path / "files"
    files.mkdir()
    process = start(launcher, "waits", files, home=tmp_path)
    pids = _running(files)
    began = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=60)  # until the last one has closed it
    assert [line.split(": ", 2)[2] for line in sentences(said)] == told
    assert list(files.iterdir()) == []
    assert time.monotonic() - began < SOON
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            _wait_gone(pid)


@pytest.mark.nightly
def test_a_killed_process_is_told_of_under_torchrun(tmp_path):
    process = start(TORCHRUN, "fails", "SIGKILL,1,works", home=tmp_path)
    _, told = process.communicate(timeout=60)
    (sentence,) = sentences(told)
    assert sentence.startswith("hubmaxact: rank 1: it ended without a word")
    assert "exitcode  : -9" in told.split("Root Cause")[1]


def _running(files):
    """Wait until both work; their numbers."""
    while len(found := [path.read_text() for path in files.iterdir()]) < 2 or "" in found:
        time.sleep(0.1)
    return list(map(int, found))


def _wait_gone(pid):
    until = time.monotonic() + SOON
    while time.monotonic() < until:
        os.kill(pid, 0)
        time.sleep(0.1)
