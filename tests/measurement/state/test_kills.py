"""Whatever kills a run at whatever moment, nothing that was saved is lost or counted twice."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from command import environment

from hubmaxact.measurement.state.state_file import KeptState, write_state
from hubmaxact.measurement.state.state_folder import StateFolder

KILLS = int(os.environ.get("HUBMAXACT_TEST_KILLS", "20"))
SCRIPT = Path(__file__).with_name("fake_runs.py")
NUM_BATCHES, RUN = 24, {"model": {"id": "integers"}}
ONCE = [1] * NUM_BATCHES
KILLED = -signal.SIGKILL
UNREACHED = 4  # the run ended before the change that it was to be ended in


@pytest.fixture(scope="module")
def forked(tmp_path_factory):
    with subprocess.Popen(
        [sys.executable, SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(tmp_path_factory.mktemp("home")),
    ) as process:

        def run(folder, output, processes=1, **how):
            asked = {"folder": str(folder), "output": str(output), "processes": processes, **how}
            process.stdin.write(f"{json.dumps(asked)}\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield run
        process.stdin.close()


def how_long(run):
    """Seconds of the second run: the first one waits until the process has imported everything."""
    run()
    begin = time.monotonic()
    run()
    return time.monotonic() - begin


def held(folder):
    """Batches that the next start goes on from; every file is whole."""
    with StateFolder(folder) as states:
        return {batch for kept in states.saved(RUN) for batch in kept.done}


@pytest.mark.nightly
def test_kills_at_random_moments_lose_nothing_and_double_nothing(tmp_path, forked):
    folder, output = tmp_path / "state", tmp_path / "output"
    folder.mkdir()
    whole_run = how_long(lambda: forked(tmp_path / "undisturbed", tmp_path / "whole"))
    choice, kills, before, steps = random.Random(17), 0, set(), 0
    while kills < KILLS:
        moment, processes = choice.uniform(0, whole_run), choice.choice([1, 1, 2, 3])
        code = forked(folder, output, processes, seconds=moment)
        assert code in {0, KILLED}
        kills += code == KILLED
        now = held(folder)
        if output.exists():  # from here on states are removed, one after another
            assert json.loads(output.read_text()) == ONCE
            output.unlink()
        else:
            assert now >= before
            steps += len(now - before)
        before = now
    assert steps > KILLS / 2, "kills were too early to see any progress"
    assert forked(folder, output, 2) == 0
    assert json.loads(output.read_text()) == ONCE
    assert list(folder.iterdir()) == []


def test_a_folder_that_a_killed_run_made_is_removed_by_the_next(tmp_path, forked):
    folder, output = tmp_path / "made" / "state", tmp_path / "output"
    assert forked(folder, output, operation=30, how="kill") == KILLED
    assert held(folder)
    assert forked(folder, output) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["output"]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """What two starts have left, and a file that one of them was about to remove."""
    folder = tmp_path_factory.mktemp("stopped")
    with StateFolder(folder) as states:
        write_state(states.place(), kept(range(3)))
    old = {path: path.read_bytes() for path in folder.glob("state-*")}
    with StateFolder(folder, num_processes=2) as states:
        assert len(states.saved(RUN)) == 1
        states.put_together(kept(range(3)))
        write_state(states.place(), kept(range(3, 12)))
        write_state(states.place(1), kept(range(12, 23)))
    for path, content in old.items():
        assert not path.exists()
        path.write_bytes(content)
    return folder


def kept(batches):
    counts = torch.zeros(NUM_BATCHES, dtype=torch.int64)
    counts[list(batches)] = 1
    return KeptState(RUN, "", tuple(batches), {"counts": counts})


@pytest.mark.by_day("kill")
@pytest.mark.parametrize("how", ["kill", "fail"])
def test_an_end_in_any_change_of_the_folder_loses_nothing(tmp_path, forked, stopped, how):
    before, codes = held(stopped), []
    while UNREACHED not in codes:
        folder, output = tmp_path / f"{len(codes)}", tmp_path / "output"
        shutil.copytree(stopped, folder)
        codes.append(forked(folder, output, operation=len(codes), how=how))
        if not output.exists():
            assert held(folder) >= before
            assert forked(folder, output) == 0
        assert json.loads(output.read_text()) == ONCE
        output.unlink()
    assert len(codes) > 25
    assert set(codes) == {UNREACHED, *({0, 2, 3} if how == "fail" else {KILLED})}
