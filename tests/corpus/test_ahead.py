import os
import signal
from pathlib import Path
from time import monotonic, sleep

import pytest

from hubmaxact import corpus
from hubmaxact.corpus import probe_5k
from hubmaxact.corpus.probe_5k import makers as module
from hubmaxact.corpus.probe_5k.pins import WINDOW
from hubmaxact.errors import CorpusError

NUM_SAMPLES = 5 * WINDOW - 3  # the first number of windows with which a process is started
PATIENCE = 10.0  # seconds


def makers():
    """Processes of ours that make texts, by their ids."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = folder.joinpath("cmdline").read_bytes().split(b"\0")
            parent = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
        if b"hubmaxact.corpus.probe_5k" in words and parent == os.getpid():
            found.append(int(folder.name))
    return found


def begun():
    """Whether one is there by and by: while a program is put in its place, it has no words yet."""
    until = monotonic() + PATIENCE
    while not makers() and monotonic() < until:
        sleep(0.01)
    return bool(makers())


@pytest.fixture(scope="module")
def here():
    return probe_5k.load(NUM_SAMPLES)


def test_texts_made_beside_are_those_made_here(here, monkeypatch):
    with corpus.reading("probe-5k", num_samples=NUM_SAMPLES) as read:
        assert begun()
        until = monotonic() + PATIENCE
        while makers() and monotonic() < until:
            sleep(0.05)
        monkeypatch.setattr(module, "make_window", None)  # nothing is left to make
        assert read() == here
    assert makers() == []


@pytest.mark.nightly
def test_windows_that_nobody_brought_are_made_here(here):
    with probe_5k.ahead(NUM_SAMPLES) as made:
        for pid in makers():
            os.kill(pid, signal.SIGKILL)
        assert made() == here


def test_whoever_leaves_early_leaves_no_process():
    began = monotonic()
    with probe_5k.ahead():
        assert begun()
    assert makers() == []
    assert monotonic() - began < PATIENCE / 2  # all 5,000 take longer


@pytest.mark.nightly
def test_few_texts_are_made_here():
    with probe_5k.ahead(2 * WINDOW) as made:
        assert makers() == []
        assert made().texts == probe_5k.load(2 * WINDOW).texts


def test_a_number_of_texts_that_cannot_be_had_is_refused_before_any_is_made():
    with pytest.raises(CorpusError, match="has 5,000 texts"), probe_5k.ahead(5001):
        pass
    assert makers() == []
