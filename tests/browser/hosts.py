"""The page on its two hosts: the Space as a process, and the export on a plain file server."""

import functools
import http.server
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from command import environment

from hubmaxact.page.export import export
from hubmaxact.page.from_folder import page_data_of

APP = Path(__file__).parents[2] / "space" / "app.py"
START_SECONDS = 90  # on a machine that runs other tests beside this one


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *args):
        pass


@contextmanager
def exported(index: Path, home: Path):
    """The static export of an index on a plain file server; yields its address."""
    folder = home / "site"
    export(page_data_of(Path(index)), folder)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def free_port() -> int:
    """A port that nobody used a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def space(index: Path | str, home: Path, **more):
    """The Space over an index; yields its address."""
    port = free_port()
    env = environment(
        home,
        HUBMAXACT_INDEX=str(index),
        GRADIO_SERVER_NAME="127.0.0.1",
        GRADIO_SERVER_PORT=str(port),
        **more,
    )
    with (home / "space.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(APP)], env=env, cwd=home, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            address = f"http://127.0.0.1:{port}/"
            _wait(address, process, home / "space.log")
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def _wait(address: str, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"{address}data/about.json", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"no answer in {START_SECONDS} s:\n{log.read_text()}")


HOSTS = {"space": space, "export": exported}
