"""What ends one process is told to the others with the exit code that its command has."""

import errno
from types import SimpleNamespace

import pytest

from hubmaxact.errors import DeviceError, ReportError
from hubmaxact.measurement.distributed.end_with import end_with
from hubmaxact.measurement.distributed.failure import Failure
from hubmaxact.measurement.distributed.launched import Launched

PLACE = Launched(3, 4, 1, "node-0", 29500, "node-1")


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (DeviceError("no such\ndevice."), 2, "rank 3: no such device."),
        (ReportError("no."), 1, "rank 3: no."),
        (KeyboardInterrupt(), 130, "rank 3: interrupted."),
        (SystemExit(7), 7, "rank 3: it ended with exit code 7."),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, "rank 3: nobody reads what it prints."),
        (OSError(errno.ENOSPC, "No space left", "/x"), 2, "rank 3: cannot write /x: No space left"),
        (MemoryError(), 2, "rank 3: memory ran out."),
        (RuntimeError("out of memory"), 1, "rank 3: RuntimeError: out of memory"),
        (KeyError(), 1, "rank 3: KeyError: it says nothing more"),
        (DeviceError("\x1b[2J" + "x" * 9000), 2, "rank 3: \\u001b[2Jxxx"),
    ],
)
def test_a_failure_crosses_whole(error, code, told):
    failure = Failure.of(error, PLACE)
    assert (failure.code, failure.teller, failure.machine) == (code, 3, "node-1")
    assert failure.told.startswith(told)
    assert Failure.decoded(failure.encoded()) == failure
    assert len(failure.encoded()) < 5000


@pytest.mark.parametrize("line", [b"", b"done", b"[]", b"{}", b'{"rank": 1}', b"\xff", b"null"])
def test_what_is_no_failure_is_none(line):
    with pytest.raises((ValueError, TypeError)):
        Failure.decoded(line)


@pytest.mark.parametrize(
    ("rank", "local_rank", "machine", "speaks"),
    [(1, 1, "node-0", False), (2, 0, "node-1", True), (3, 1, "node-1", False)],
)
def test_a_sentence_stands_once_in_the_log_of_each_machine(
    capsys, monkeypatch, tmp_path, rank, local_rank, machine, speaks
):
    """Rank 0 of the first one has told its own; torchrun hears on each why a process ended."""
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "error.json"))
    failure = Failure.of(DeviceError("none."), Launched(0, 4, 0, "node-0", 29500, "node-0"))
    codes = []
    place = Launched(rank, 4, local_rank, "node-0", 29500, machine)
    end_with(place, SimpleNamespace(end=codes.append), failure)
    assert codes == [2]
    assert capsys.readouterr().err == ("hubmaxact: rank 0: none.\n" if speaks else "")
    assert "ended, because of rank 0: none." in (tmp_path / "error.json").read_text()
