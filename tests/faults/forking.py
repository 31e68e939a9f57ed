"""Runs jobs many times for the price of one start: a process that forks for each run.

Its arguments are modules to import first. Reads a JSON object for each run from stdin (job,
arguments, environment, file for the output) and answers with its exit code. Every run is a fresh
child that has imported everything and used nothing.
"""

import contextlib
import importlib
import json
import os
import select
import signal
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from hubmaxact.cli import measured_report
from hubmaxact.cli.main import main
from hubmaxact.errors import HubmaxactError
from hubmaxact.report.read import read_report
from hubmaxact.report.validate import validate


def command(*arguments):
    """What `hubmaxact ARGUMENTS` does."""
    sys.argv = ["hubmaxact", *arguments]
    main()


def write(measured, output, second=""):
    """What `hubmaxact measure --output OUTPUT` does with what it measured.

    `measured` is a folder with a report and, in `beside/`, what lies beside it.
    """
    report = read_report(Path(measured) / "report.json")
    sidecars = {path.name: path.read_bytes() for path in (Path(measured) / "beside").iterdir()}
    places = measured_report.targets(Path(output), None, measured)
    try:
        measured_report.check(places, with_sidecars=True)
        more = {"second": Path(second)} if second else {}
        measured_report.write(report, places, sidecars, **more)
    except HubmaxactError as error:
        sys.stderr.write(f"hubmaxact: {error}\n")
        sys.exit(error.exit_code)


def save(by, path):
    """Write a file as a library does."""
    if by == "python":
        Path(path).write_bytes(b"content")
    elif by == "safetensors":
        save_file({"x": torch.zeros(3)}, path)
    else:
        torch.save({"x": torch.zeros(3)}, path)


def run(job, arguments, environment, output):
    """Run one job in this process; never returns."""
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ.update(environment)
    code = 70
    try:
        JOBS[job](*arguments)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


JOBS = {"command": command, "write": write, "save": save}


def ended(child, after):
    """Wait for a child, which is killed so many seconds after a folder changes; its exit code."""
    if after is not None:
        folder, seconds = Path(after[0]), after[1]
        handle, before = os.pidfd_open(child), listed(folder)
        while not (over := select.select([handle], [], [], 0.002)[0]) and listed(folder) == before:
            pass
        if not (over or select.select([handle], [], [], seconds)[0]):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.close(handle)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def listed(folder):
    """What `kept` files are there, by name and time."""
    found = set()
    for path in folder.glob("state-*"):
        with contextlib.suppress(FileNotFoundError):  # a run at its end removes them
            found.add((path.name, path.stat().st_mtime_ns))
    return found


for name in sys.argv[1:]:
    importlib.import_module(name)
validate({})  # compiles the schema
for line in sys.stdin:
    request = json.loads(line)
    after = request.pop("after")
    child = os.fork()
    if child == 0:
        run(**request)
    sys.stdout.write(f"{ended(child, after)}\n")
    sys.stdout.flush()
