"""A folder belongs to one run at a time, gives back what was saved, and is left as it was found."""

import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from command import environment

from hubmaxact.files import WriteError
from hubmaxact.measurement.state.state_file import KeptState, StateError, encode, write_state
from hubmaxact.measurement.state.state_folder import StateFolder

RUN = {"model": {"id": "org/name"}, "environment": {"torch": "2.13"}}


def kept(*batches, run=RUN, share=""):
    return KeptState(run, share, batches, {"n": torch.tensor([len(batches)])})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def save(path, *states, share=""):
    """Leave what the processes of one start saved, and were killed."""
    with StateFolder(path, share, len(states)) as folder:
        for rank, state in enumerate(states):
            write_state(folder.place(rank), state)


def saved(path, run=RUN, share=""):
    with StateFolder(path, share) as folder:
        return sorted(state.done for state in folder.saved(run))


def test_states_of_any_number_of_processes_are_found_again(tmp_path):
    path = tmp_path / "a" / "b"
    assert saved(path) == []
    assert not path.parent.exists()
    save(path, kept(0, 3), kept(1), kept(2, 7))
    assert saved(path) == [(0, 3), (1,), (2, 7)]


def test_starts_add_up_until_one_puts_them_together(tmp_path):
    save(tmp_path, kept(0, 3), kept(1))
    save(tmp_path, kept(5))
    assert saved(tmp_path) == [(0, 3), (1,), (5,)]
    with StateFolder(tmp_path) as folder:
        folder.saved(RUN)
        folder.put_together(kept(0, 1, 3, 5))
        write_state(folder.place(), kept(7, 8))
    assert saved(tmp_path) == [(0, 1, 3, 5), (7, 8)]
    assert len([name for name in names(tmp_path) if name.startswith("state-")]) == 2


def test_until_they_are_removed_nothing_counts_twice(tmp_path):
    save(tmp_path, kept(0, 3), kept(1))
    before = {path: path.read_bytes() for path in tmp_path.glob("state-*")}
    with StateFolder(tmp_path) as folder:
        folder.saved(RUN)
        folder.put_together(kept(0, 1, 3))
        write_state(folder.place(), kept(4))
    for path, content in before.items():
        assert not path.exists()
        path.write_bytes(content)
        assert saved(tmp_path) == [(0, 1, 3), (4,)]


def test_a_process_that_outlived_its_run_doubles_nothing(tmp_path):
    with StateFolder(tmp_path, num_processes=2) as folder:
        late = folder.place(1)
    save(tmp_path, kept(0, 1, 2), kept(4))
    write_state(late, kept(2, 3))
    assert saved(tmp_path) == [(0, 1, 2), (4,)]
    with StateFolder(tmp_path) as folder:
        folder.saved(RUN)
        folder.put_together(kept(0, 1, 2, 4))
    assert not late.exists()


def test_what_was_saved_cannot_be_left_out(tmp_path):
    save(tmp_path, kept(0, 3))
    with StateFolder(tmp_path) as folder:
        for batches in ((0, 3), (0,), (0, 3, 4)):  # before it is known what there is, and then
            with pytest.raises(ValueError, match="all that was saved, and nothing else"):
                folder.put_together(kept(*batches))
            folder.saved(RUN)
    with StateFolder(tmp_path) as folder, pytest.raises(ValueError, match="whose states"):
        folder.remove()
    assert saved(tmp_path) == [(0, 3)]


def test_at_the_end_a_folder_is_as_it_was_found(tmp_path):
    (tmp_path / "notes").touch()
    for path in (tmp_path, tmp_path / "a" / "b"):
        save(path, kept(0), kept(1))  # and was killed
        with StateFolder(path) as folder:
            folder.saved(RUN)
            folder.put_together(kept(0, 1))
            write_state(folder.place(), kept(2))
            folder.remove()
    assert names(tmp_path) == ["notes"]


def test_a_folder_inside_another_keeps_states_of_its_own(tmp_path):
    outer, inner = tmp_path / "state", tmp_path / "state" / "calibration"
    for _ in range(2):
        with StateFolder(outer) as one, StateFolder(inner) as other:
            found = [folder.saved(RUN) for folder in (one, other)]
            write_state(one.place(), kept(5))
            write_state(other.place(), kept(0))
    assert [[state.done for state in states] for states in found] == [[(5,)], [(0,)]]
    with StateFolder(outer) as one, StateFolder(inner) as other:
        for folder in (one, other):
            folder.saved(RUN)
            folder.remove()
    assert names(tmp_path) == []


def test_a_run_that_saved_nothing_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), StateFolder(tmp_path / "a" / "b"):
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_what_killed_writes_left_is_removed_and_nobody_elses(tmp_path):
    left = tmp_path / f".hubmaxact-state-{'0' * 16}"
    others = [tmp_path / name for name in (f".hubmaxact-{'0' * 16}", "state-of-mind", "report")]
    for path in (left, *others):
        path.touch()
    with StateFolder(tmp_path) as folder:
        folder.saved(RUN)
        folder.remove()
    assert not left.exists()
    assert all(path.exists() for path in others)


OTHERS = {
    "the model differs: org/name there, org/other here": (RUN | {"model": {"id": "org/other"}}, ""),
    "the version of torch differs: 2.13 there, 2.14 here": (
        RUN | {"environment": {"torch": "2.14"}},
        "",
    ),
    "the share differs: all there, 0/2 here": (RUN, "0/2"),
}


@pytest.mark.parametrize("words", OTHERS)
def test_a_state_of_another_run_is_refused_and_kept(tmp_path, words):
    save(tmp_path, kept(0, 3))
    run, share = OTHERS[words]
    with pytest.raises(StateError) as refused:
        saved(tmp_path, run, share)
    assert str(refused.value) == (
        f"{tmp_path} holds a state of another run: {words}. Name another folder, or remove this "
        "one."
    )
    assert saved(tmp_path) == [(0, 3)]


def test_a_damaged_file_is_named(tmp_path):
    save(tmp_path, kept(0, 3))
    (path,) = tmp_path.glob("state-*")
    path.write_bytes(encode(kept(0, 3))[:-1])
    with pytest.raises(StateError, match=f"^{path} is no whole state"):
        saved(tmp_path)


HOLDS = """
import os, sys, time
from pathlib import Path
from hubmaxact.measurement.state.state_folder import StateFolder
with StateFolder(Path(sys.argv[1])):
    print(os.getpid(), flush=True)
    time.sleep(600)
"""


def test_a_living_run_is_named_and_a_killed_one_holds_nothing(tmp_path):
    command = [sys.executable, "-c", HOLDS, tmp_path]
    env = environment(tmp_path)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as holder:
        process = int(holder.stdout.readline())
        with pytest.raises(StateError, match=rf"another run \(process {process}\) is at work in"):
            saved(tmp_path)
        holder.send_signal(signal.SIGKILL)
    assert saved(tmp_path) == []


@contextmanager
def as_nobody():
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_can_be_no_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    said = {
        tmp_path / "file": "it is no folder",
        tmp_path / "file" / "below": "it is no folder",
        tmp_path / ("x" * 300): "File name too long",
        tmp_path / "a\0b": "it is no path",
    }
    for path, reason in said.items():
        with pytest.raises(StateError, match=f"{reason}. Name another folder"):
            saved(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can become somebody else")
def test_a_folder_that_is_not_ours_is_one_sentence():
    with as_nobody():
        for path in ("/root/state", "/usr/share"):
            with pytest.raises(StateError, match=r"Permission denied\. Name another folder"):
                saved(Path(path))


def test_a_full_disk_is_told_before_the_run_and_keeps_what_was_saved(tmp_path):
    save(tmp_path, kept(0, 3))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with StateFolder(tmp_path) as folder:
        folder.saved(RUN)
        folder.check_room(3000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
        try:
            with pytest.raises(WriteError, match="Free some space"):
                folder.check_room(3000)
            with pytest.raises(WriteError, match="Free some space"):
                folder.put_together(kept(0, 3))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert saved(tmp_path) == [(0, 3)]
    assert len(names(tmp_path)) == 2
