"""Somebody at a desk: a report, a home directory, and a model on the Hub to push it to."""

from dataclasses import dataclass
from pathlib import Path

from example_reports import small_report, weights_of

from hubmaxact.report.write import report_bytes
from loopback_hub.client import Finished, run_cli
from loopback_hub.hub import LoopbackHub
from loopback_hub.repo import Repo

REPO = "alice/model"
WEIGHTS = {
    "model-00001-of-00002.safetensors": b"first half of the weights",
    "model-00002-of-00002.safetensors": b"second half of the weights",
}
README = b"---\nlicense: mit # kept\ntags:\n- text\n---\n# A model\n\nWords.\n"


def report_on(weights: dict[str, bytes], **model) -> bytes:
    """A report that says it was measured on these files."""
    return report_bytes(small_report(model={"id": REPO, **weights_of(weights), **model}))


@dataclass
class Desk:
    """A report measured on the weights of REPO, and the commands of its owner."""

    hub: LoopbackHub
    repo: Repo
    home: Path
    file: Path

    def push(self, *options: str, **how) -> Finished:
        return run_cli(["push", self.file, REPO, *options], self.hub, self.home, **how)

    @property
    def report(self) -> bytes:
        return self.file.read_bytes()

    def commits(self, revision: str = "main") -> list[str]:
        """Titles of the commits since the repository was seeded, newest first."""
        return [commit.title for commit in self.repo.history(revision)[:-2]]


def sit_down(hub: LoopbackHub, home: Path) -> Desk:
    """Seed the model and write the report on it."""
    repo = hub.create_repo(REPO, files={"README.md": README, "config.json": b"{}", **WEIGHTS})
    file = home / "activation_maxima.json"
    file.write_bytes(report_on(WEIGHTS))
    return Desk(hub, repo, home, file)
