"""Runs of integers that keep their state, killed when asked: a process that forks for each run.

Batch N counts one at place N, so what is lost or counted twice can be read from the end. Reads one
JSON object for each run from stdin and answers with its exit code.

folder, output  where states and the counts at the end go
processes       how many; each forks from the first one and saves after each batch of its own
seconds         after how many all of them are killed; null: never
operation       in which change of the file system, from 0, the first process is killed or told EIO;
                code 4: the run ended before
how             "kill", "kill after" it, or "fail"
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import torch

from hubmaxact.errors import HubmaxactError
from hubmaxact.files import write_bytes
from hubmaxact.measurement.state.merge_kept import merge_kept
from hubmaxact.measurement.state.save_times import SaveTimes
from hubmaxact.measurement.state.state_file import KeptState, decode, encode, write_state
from hubmaxact.measurement.state.state_folder import StateFolder

NUM_BATCHES = 24
RUN = {"model": {"id": "integers"}}
CHANGES = ("open", "fsync", "replace", "unlink", "mkdir", "rmdir")


class Counts:
    """As a recorder: has a state, goes on from one, merges."""

    def __init__(self):
        self.counts = torch.zeros(NUM_BATCHES, dtype=torch.int64)

    def state(self):
        return {"counts": self.counts}

    def load(self, state):
        self.counts.copy_(state["counts"])

    def merge(self, other):
        self.counts += other.counts


class Process:
    """One process of a run: what it counts, and of which batches."""

    def __init__(self, save):
        self.counts, self.done = Counts(), []
        self.saves = SaveTimes(save, failed=sys.exit, clock=lambda: 0.0)

    def add(self, kept, name):
        merge_kept(self.counts, Counts, kept, name)
        self.done += kept.done

    def run(self, batches):
        for batch in batches:
            self.counts.counts[batch] += 1
            self.done.append(batch)
            self.saves.when_due(self.kept)

    def kept(self):
        return KeptState(RUN, "", tuple(sorted(self.done)), self.counts.state())


def run(folder, output, processes):
    with StateFolder(folder, num_processes=processes) as states:
        first = Process(states.save)
        for kept in states.saved(RUN):
            first.add(kept, str(folder))
        left = [batch for batch in range(NUM_BATCHES) if batch not in first.done]
        shares = [left[rank::processes] for rank in range(processes)]
        others = [start(states.place(rank), shares[rank]) for rank in range(1, processes)]
        first.run(shares[0])
        for rank, pipe in enumerate(others, 1):
            with os.fdopen(pipe, "rb") as file:
                first.add(decode(file.read(), f"process {rank}"), f"process {rank}")
        write_bytes(output, json.dumps(first.counts.counts.tolist()).encode())
        states.remove()


def start(place, batches):
    """Another process of the run; the end of a pipe that gives its state."""
    pipe, end = os.pipe()
    if os.fork():
        os.close(end)
        return pipe
    process = Process(lambda kept: write_state(place, kept))
    process.run(batches)
    with os.fdopen(end, "wb") as file:
        file.write(encode(process.kept()))
    os._exit(0)


def disturb(operation, how):
    """Kill this process in a change of the file system, or let that fail; counts down to it."""
    left = [operation]

    def disturbed(change):
        def call(*args, **kwargs):
            is_it, left[0] = left[0] == 0, left[0] - 1
            if is_it and how == "fail":
                raise OSError(5, "Input/output error")
            if is_it and how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return change(*args, **kwargs)
            finally:
                if is_it:
                    os.kill(os.getpid(), signal.SIGKILL)

        return call

    for name in CHANGES:
        setattr(os, name, disturbed(getattr(os, name)))
    return left


def child(folder, output, processes, operation=None, how=None, **_):
    code = 70
    try:
        os.setsid()
        left = [-1] if operation is None else disturb(operation, how)
        run(Path(folder), Path(output), processes)
        code = 0 if left[0] < 0 else 4
    except HubmaxactError as error:
        sys.stderr.write(f"{error}\n")
        code = error.exit_code
    except SystemExit:
        code = 3
    finally:
        sys.stderr.flush()
        os._exit(code)


def wait(process, seconds):
    """How a process ended, by itself or after some time."""
    end = time.monotonic() + (seconds or 0)
    while seconds is not None and time.monotonic() < end:
        if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            seconds = None
        time.sleep(0.0005)
    if seconds is not None:
        try:
            os.killpg(process, signal.SIGKILL)
        except ProcessLookupError:  # it leads no group yet
            os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def main():
    for line in sys.stdin:
        asked = json.loads(line)
        process = os.fork()
        if process == 0:
            child(**asked)
        code = wait(process, asked.get("seconds"))
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
