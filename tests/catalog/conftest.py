"""A folder of reports, a running Hub, and how both are indexed."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from catalog_reports import report_bytes_of, rows_in
from click.testing import CliRunner
from loopback_hub import Finished, LoopbackHub, environment
from loopback_hub.faults import Faults

from hubmaxact.cli.catalog import catalog


@dataclass
class Workspace:
    """A folder of reports and the catalog made of it."""

    folder: Path
    output: Path

    def put(self, name: str, content: bytes | None = None) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(report_bytes_of(name) if content is None else content)
        return path

    def build(self, *options: str):
        words = ["build", str(self.folder), "--output", str(self.output), *options]
        return CliRunner().invoke(catalog, words, catch_exceptions=False)

    @property
    def manifest(self) -> dict:
        return json.loads((self.output / "manifest.json").read_bytes())

    @property
    def rows(self) -> dict:
        return rows_in(self.output)

    @property
    def reasons(self) -> dict:
        return {left["name"]: left["reason"] for left in self.manifest["quarantine"]}


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "reports").mkdir()
    return Workspace(tmp_path / "reports", tmp_path / "catalog")


@pytest.fixture(scope="session")
def session_hub():
    with LoopbackHub() as running:
        yield running


@pytest.fixture
def hub(session_hub):
    """An empty Hub. Its address stays, so that one client process serves every test."""
    session_hub.repos.clear()
    session_hub.renamed.clear()
    session_hub.requests.clear()
    session_hub.faults = Faults()
    session_hub.page_size = 100
    return session_hub


@pytest.fixture(scope="session")
def forking(session_hub, tmp_path_factory):
    """A process that runs the command line in a child for each request."""
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("forking.py")],
        env=environment(session_hub, tmp_path_factory.mktemp("home")),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.communicate(timeout=30)


@pytest.fixture
def from_hub(hub, forking, tmp_path):
    """Run `hubmaxact catalog build --from-hub`; the output lies in tmp_path / "catalog"."""

    def build(*options: str) -> Finished:
        output = tmp_path / "said"
        words = ["catalog", "build", "--from-hub", "--output", str(tmp_path / "catalog"), *options]
        request = {"arguments": words, "folder": str(tmp_path), "output": str(output)}
        forking.stdin.write(json.dumps(request) + "\n")
        forking.stdin.flush()
        return Finished(int(forking.stdout.readline()), b"", output.read_text("utf-8"))

    return build
