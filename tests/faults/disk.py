"""Runs commands on a disk that fails at the call that a test names.

A `Server` has imported everything and forks a child for each run, so that a run costs what its
writing costs. What is preloaded into it is `faulty_disk.c`, compiled here.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import environment

HERE = Path(__file__).parent
KILLED = -9
INTERRUPTED = {"write", "pwrite64", "fsync", "fdatasync", "open64", "openat64"}
"""What a signal may interrupt; Python tries these again."""


def compiled(folder):
    """The library, or a skip where nothing can be preloaded."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not sys.platform.startswith("linux"):
        pytest.skip("LD_PRELOAD is Linux's")
    assert compiler is not None, "a C compiler is needed"
    library = folder / "faulty_disk.so"
    words = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library]
    subprocess.run([compiler, *words, HERE / "faulty_disk.c", "-ldl"], check=True)
    return library


@dataclass(frozen=True)
class Call:
    """One that changes a file: its name, and the path."""

    name: str
    path: Path

    @classmethod
    def of(cls, line):
        """What the library has logged."""
        name, _, path = line.partition(" ")
        return cls(name, Path(path))


@dataclass(frozen=True)
class Done:
    """How a run ended: its exit code, or minus the signal; both streams; the calls it made."""

    code: int
    said: str
    calls: list[Call]


class Server:
    """Runs what `forking.py` knows, many times for the price of one start."""

    def __init__(self, home, *modules):
        self.home = home
        self.temporary = home / "elsewhere"
        self.temporary.mkdir()
        env = environment(home, LD_PRELOAD=str(compiled(home)), TMPDIR=str(self.temporary))
        self.process = subprocess.Popen(
            [sys.executable, HERE / "forking.py", *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def run(self, job, *arguments, under, at=0, fault=0, after=None, **more):
        """Run a job, which fails at the call `at` with the errno `fault`; 0: it is killed there.

        `after` is a folder and seconds: it is killed so long after a file there is another.
        """
        output, log = self.home / "output", self.home / "calls"
        log.unlink(missing_ok=True)
        variables = {
            "FAULTS_UNDER": str(under),
            "FAULTS_AT": str(at),
            "FAULTS_ERRNO": str(fault),
            "FAULTS_LOG": str(log),
        }
        request = {"job": job, "arguments": [str(each) for each in arguments]}
        request |= {"environment": variables | more, "output": str(output), "after": after}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        lines = log.read_text().splitlines() if log.exists() else []
        return Done(code, output.read_text("utf-8"), [Call.of(line) for line in lines])

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0
        self.process.stdout.close()


def faults_of(call):
    """The errors that a call is made to fail with; 0 kills."""
    is_open = call.name.startswith("open")
    other = errno.EROFS if is_open else errno.EIO
    return [errno.ENOSPC, other, *([errno.EINTR] if call.name in INTERRUPTED else []), 0]


def failures_of(calls, step):
    """One in so many failures of these calls: its number, the call, and what it fails with."""
    every = [
        (number, call, fault) for number, call in enumerate(calls, 1) for fault in faults_of(call)
    ]
    return every[::step]


def files_in(folder):
    """Content of every file below a folder, by path, and None for each folder."""
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def put_back(folder, files):
    """Let a folder hold what `files_in` found in one."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path, content in files.items():
        if content is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(content)
