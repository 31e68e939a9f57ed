"""A small command of several processes, which ends as every command of hubmaxact does.

`python several.py WHAT [ARGUMENT]` is one of them; `Started` starts them all as torchrun does, and
forks them, so that only the first ones wait for torch.
"""

import atexit
import hashlib
import multiprocessing
import os
import signal
import socket
import sys
import time
import traceback
from contextlib import closing
from datetime import timedelta
from functools import cache
from pathlib import Path

import click

from hubmaxact.cli import main as command_line
from hubmaxact.cli.main import Commands
from hubmaxact.errors import OutOfMemoryError
from hubmaxact.measurement.distributed.agreement import require_same
from hubmaxact.measurement.distributed.group_here import group_here

SCRIPT = Path(__file__)
FORKED = multiprocessing.get_context("forkserver")
LOADED = [
    "measurement.distributed.several",
    "hubmaxact.measurement.distributed.joined",
    "hubmaxact.measurement.run_plan",
    "hubmaxact.measurement.assembly.report",
    "hubmaxact.measurement.kernels.choice",
    "transformers.models.qwen3_moe.modeling_qwen3_moe",
]


class Started:
    """Processes of a group, each with what it wrote in a file."""

    def __init__(self, folder, size, *argv, **variables):
        _serve()
        self.size, self.folder = size, Path(folder)
        self.began = time.monotonic()
        shared = {"WORLD_SIZE": f"{size}", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": _free_port()}
        self.processes = []
        for rank in range(size):
            own = {"RANK": f"{rank}", "LOCAL_RANK": f"{rank}"}
            told = self.folder / f"told-{rank}"
            arguments = (list(map(str, argv)), shared | own | variables, told)
            self.processes.append(FORKED.Process(target=_take_part, args=arguments))
        for process in self.processes:
            process.start()

    def end(self, patience=60):
        """Wait for all, for some seconds each; their exit codes."""
        for process in self.processes:
            process.join(patience)
        self.seconds = time.monotonic() - self.began
        return [process.exitcode for process in self.processes]

    def told(self, rank):
        return (self.folder / f"told-{rank}").read_text()

    @property
    def sentences(self):
        """All that commands said in the end, of every process."""
        told = "".join(self.told(rank) for rank in range(self.size))
        return [line for line in told.splitlines() if line.startswith("hubmaxact: ")]


@cache
def _serve():
    """Start what forks the others, and wait until it has loaded all."""
    FORKED.set_forkserver_preload(LOADED)
    first = FORKED.Process(target=int)
    first.start()
    first.join()


def _free_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return str(listening.getsockname()[1])


def _take_part(argv, variables, told):
    os.environ.update(variables)
    file = os.open(told, os.O_WRONLY | os.O_CREAT)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.argv = ["hubmaxact", *argv]
    try:
        main() if argv[0] in WHAT else command_line.main()
    except Exception:
        traceback.print_exc()
        raise
    finally:
        atexit._run_exitfuncs()  # as in a process that was not forked


def content(rank, size):
    """Bytes that only this rank has."""
    seed = hashlib.sha256(b"%d" % rank).digest()
    return (seed * (size // len(seed) + 1))[:size]


def works(seconds):
    """Many steps of Python, as a batch has, and no exchange."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.01)


def exchange(group, size):
    """Contents of unlike sizes go to rank 0, and one of its own to all."""
    size = int(size)
    mine = content(group.rank, size * group.rank)
    expected = [content(rank, size * rank) for rank in range(group.size)]
    assert group.gather(mine) == (None if group.rank else expected)
    for told in (b"", content(7, size)):
        assert group.broadcast(None if group.rank else told) == told
        assert group.broadcast(b"unheard" if group.rank else told) == told
    if group.rank == 0:
        print(f"{group.size} processes, {sum(map(len, expected))} bytes")


def large(group, size):
    """Zeros of the last one go to rank 0, and a one behind them."""
    gathered = group.gather(b"".join([bytes(int(size)), b"\1"]) if group.rank else b"")
    if group.rank == 0:
        print(len(gathered[1]), gathered[1].find(b"\1"))


def agree(group, versions):
    """Each has another version, or all the same."""
    require_same(group, {"environment": {"torch": versions.split(",")[group.rank]}})


def late(group, seconds):
    """The last one comes late to an exchange."""
    if group.rank == group.size - 1:
        works(float(seconds))
    gathered = group.gather(b"%d" % group.rank)
    if group.rank == 0:
        print(b" ".join(gathered).decode())


def fails(group, said):
    """`HOW,RANK,MEANWHILE`: one fails, and the others do that."""
    how, rank, meanwhile = said.split(",")
    if rank in {str(group.rank), "all"}:
        works(0.3)
        _fail(how)
    if meanwhile == "stuck":  # as in a long step of torch's, which hears nothing
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        time.sleep(60)
    if meanwhile == "works":
        works(60)
    group.gather(b"")


def _fail(how):
    if how == "refused":
        raise OutOfMemoryError("a batch does not fit.")
    if how == "bug":
        raise ZeroDivisionError("one by zero")
    if how == "memory":
        raise MemoryError
    if how == "SIGINT":  # who was started in the background ignores it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.kill(os.getpid(), getattr(signal, how))


def waits(group, folder):
    """Works, with a file of its own that it takes away in the end, which nothing may break off."""
    own = Path(folder) / f"{group.rank}"
    own.write_text(str(os.getpid()))
    try:
        works(60)
    finally:
        works(1.0 if group.rank == 0 else 0.0)
        own.unlink()


WHAT = {each.__name__: each for each in (agree, exchange, large, late, fails, waits)}


@click.command()
@click.argument("what")
@click.argument("argument", default="")
def several(what, argument):
    with group_here() as group:
        WHAT[what](group, argument)


def main():
    if seconds := os.environ.get("JOINING"):
        from hubmaxact.measurement.distributed import joined

        joined.JOINING = timedelta(seconds=float(seconds))
    sys.argv.insert(1, "several")
    Commands.get_command = lambda *_: several
    command_line.main()


if __name__ == "__main__":
    main()
