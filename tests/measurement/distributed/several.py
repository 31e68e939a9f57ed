"""A small command of several processes, for tests: `several.py WHAT [ARGUMENT]`.

Errors end it as they end every command, through `hubmaxact.cli.main`.
"""

import hashlib
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import click

from hubmaxact.cli import main as command_line
from hubmaxact.cli.main import Commands
from hubmaxact.errors import OutOfMemoryError
from hubmaxact.measurement.distributed.group_here import group_here


def content(rank, size):
    """Bytes that only this rank has."""
    seed = hashlib.sha256(b"%d" % rank).digest()
    return (seed * (size // len(seed) + 1))[:size]


def work(seconds):
    """What a batch is: many steps of Python, and no exchange."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(1000))


def exchange(group, size):
    """Contents of unlike sizes to rank 0 and one of them back, and rank 0 says what it got."""
    gathered = group.gather(content(group.rank, int(size) * group.rank))
    if group.rank:
        assert gathered is None
    else:
        expected = [content(rank, int(size) * rank) for rank in range(group.size)]
        assert gathered == expected
    told = group.broadcast(b"" if group.rank == 0 else None)
    assert told == b""
    told = group.broadcast(content(7, int(size)) if group.rank == 0 else None)
    assert told == content(7, int(size))
    if group.rank == 0:
        print(f"{group.size} processes, {len(told)} bytes")


def slow(group, seconds):
    """Rank 1 comes late to an exchange."""
    if group.rank == 1:
        work(float(seconds))
    gathered = group.gather(b"%d" % group.rank)
    if group.rank == 0:
        print(b" ".join(gathered).decode())


def fails(group, kind):
    """Rank 1 fails while the others work, or wait for it."""
    where, what, *rank = kind.split(",")
    if group.rank == int(*rank or "1"):
        work(0.5)
        if what == "refused":
            raise OutOfMemoryError("a batch does not fit.")
        if what == "bug":
            raise ZeroDivisionError("by zero")
        if what == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
    if where == "works":
        work(60)
    elif where == "stuck":
        time.sleep(60)  # as in a step of torch's, which hears nothing
    group.gather(b"")


def all_fail(group, _):
    raise OutOfMemoryError("a batch does not fit.")


def waits(group, folder):
    """Says that it works, with a file of its own that it takes away in the end."""
    mine = Path(folder) / f"{group.rank}"
    mine.write_text(str(os.getpid()))
    try:
        work(60)
    finally:
        mine.unlink()


@click.command()
@click.argument("what")
@click.argument("argument", default="")
def several(what, argument):
    with group_here() as group:
        globals()[what](group, argument)


if __name__ == "__main__":
    if seconds := os.environ.get("JOINING"):
        from hubmaxact.measurement.distributed import joined

        joined.JOINING = timedelta(seconds=float(seconds))
    sys.argv.insert(1, "several")
    Commands.get_command = lambda *_: several
    command_line.main()
