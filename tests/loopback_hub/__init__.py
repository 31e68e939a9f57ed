"""A small Hugging Face Hub on loopback, for tests that run the real client.

It keeps real git state (blobs, trees, commits, refs, pull requests, LFS objects), speaks the part
of the Hub's protocol that huggingface_hub uses, and refuses what the Hub refuses: stale parents,
bad YAML, missing rights, unknown revisions, LFS objects that were never uploaded.

    with LoopbackHub() as hub:
        repo = hub.create_repo("alice/model", files={"README.md": b"# Model\n"})
        hub.faults.add("POST", "/commit/", status=500, applied=True)
        done = run_cli(["push", "report.json", "alice/model"], hub, tmp_path)

Knows nothing of hubmaxact beyond how to start its command line.
"""

from loopback_hub.client import Finished, at_once, environment, run_cli
from loopback_hub.faults import Fault
from loopback_hub.hub import LoopbackHub
from loopback_hub.repo import Repo

__all__ = ["Fault", "Finished", "LoopbackHub", "Repo", "at_once", "environment", "run_cli"]
