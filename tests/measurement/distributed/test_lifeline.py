"""What one process hears of the others, and how long it waits for what they share."""

import socket
import threading
import time
from datetime import timedelta

import pytest

from hubmaxact.errors import OutOfMemoryError
from hubmaxact.measurement.distributed import store
from hubmaxact.measurement.distributed.failure import Failure
from hubmaxact.measurement.distributed.launched import Launched
from hubmaxact.measurement.distributed.lifeline import Lifeline


def place(rank, port=29500):
    return Launched(rank, 3, rank, "127.0.0.1", port, "node-0")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.mark.parametrize("teller", [1, 2])
def test_a_failure_that_comes_back_is_told_by_who_claimed_it(teller):
    """Rank 2 hears of its own failure from rank 0, before its main thread has settled it."""
    failure = Failure.of(OutOfMemoryError("a batch does not fit."), place(teller))
    told = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        here = socket.create_connection(listening.getsockname())
        there, _ = listening.accept()
    with here, there:
        lifeline = Lifeline({0: here}, place(2), None, told.append)
        there.sendall(failure.encoded() + b"\n")
        for thread in threading.enumerate():
            if thread.name == "hubmaxact-lifeline":
                thread.join(timeout=10)
        lifeline.close()
    assert told == ([] if teller == 2 else [failure])


def test_a_store_that_is_slow_to_open_is_waited_for(monkeypatch):
    """On a busy machine rank 0 may take longer than whoever asks a store that is gone waits."""
    monkeypatch.setattr(store, "PATIENCE", timedelta(seconds=0.1))
    port, opened = free_port(), []

    def open_late():
        time.sleep(1)
        opened.append(store.connect(place(0, port), timedelta(seconds=20)))

    opening = threading.Thread(target=open_late)
    opening.start()
    claim = store.Claim(place(1, port), timedelta(seconds=20))
    opening.join()
    failure = Failure.of(OutOfMemoryError("a batch does not fit."), place(1))
    assert claim.first(failure) == failure
