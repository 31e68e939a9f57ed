"""A running Space: a process of its own, an empty home, real HTTP."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
from catalog_reports import report_bytes_of
from command import environment

from hubmaxact.catalog.build import build_from_folder

SPACE = Path(__file__).parents[2] / "space"
APP = SPACE / "app.py"
PLAIN = Path(__file__).with_name("plain.py")
TIMEOUT = 60  # seconds; a start takes three on an idle machine


class Running:
    """The process, and an HTTP client that knows its address."""

    def __init__(self, process, errors, address):
        self.process = process
        self.errors = errors
        self.url = address.rstrip("/")
        self.port = int(self.url.rpartition(":")[2])
        # The address as written: httpx would tidy up what a hostile client sends.
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def get(self, path, **how):
        return self.http.get(path, **how)

    def json(self, path):
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def end(self, number=signal.SIGTERM):
        """Send a signal; the exit code, and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(timeout=TIMEOUT)
        return code, time.monotonic() - began

    @property
    def said(self):
        return self.errors.read_text("utf-8")


def space_environment(home, **more):
    """Any free port: Gradio looks for one from the first it is given."""
    first = 20_000 + os.getpid() * 37 % 20_000
    return environment(home, GRADIO_SERVER_PORT=str(first), **more)


@contextmanager
def running(home, *, cwd=None, script=APP, env=None, **more):
    """A Space that is being served as long as the block lasts."""
    home.mkdir(parents=True, exist_ok=True)
    errors = home / "stderr.txt"
    with errors.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, str(script)],
            env={**space_environment(home, **more), **(env or {})},
            cwd=cwd or home,
            stdout=subprocess.PIPE,
            stderr=sink,
            text=True,
        )
    try:
        line = process.stdout.readline()
        address = re.search(r"http://\S+", line)
        assert address, f"it said {line!r} and {errors.read_text()}"
        served = Running(process, errors, address[0])
        served.line = line
        with served.http:
            yield served
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until(probe, seconds=TIMEOUT):
    """Ask again until there is an answer that counts; the answer."""
    deadline = time.monotonic() + seconds
    while not (found := probe()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found


def build(folder, output, *names, **models):
    """An index over reports of these names and the paper's checkpoints."""
    for name in names:
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(report_bytes_of(name, **models.get(name, {})))
    folder.mkdir(parents=True, exist_ok=True)
    return build_from_folder(folder, output)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
