"""Many small reports that differ, made fast: one report by arithmetic, then facts replaced."""

import copy
import json
from functools import cache
from pathlib import Path

from example_reports import small_report, weights_of

from hubmaxact.catalog.parquet import rows_of
from hubmaxact.catalog.store import read_index

REPORT_NAME = "activation_maxima.json"
TAGGED = b"---\ntags:\n- activation-maxima\n---\n# A model\n"


@cache
def _template() -> str:
    return json.dumps(small_report())


def report_of(name: str, *, weights: dict[str, bytes] | None = None, **model) -> dict:
    """A valid report on a model of this name; its weight files have these contents."""
    report = json.loads(_template())
    contents = {"model.safetensors": name.encode()} if weights is None else weights
    report["model"] |= {**weights_of(contents), "id": None, "commit": None, **model}
    return report


def report_bytes_of(name: str, **how) -> bytes:
    return json.dumps(report_of(name, **how)).encode()


def newer(report: dict) -> bytes:
    """The same report as a later version would write it, with a field that we do not know."""
    return json.dumps({**copy.deepcopy(report), "schema_version": "0.9", "later": 1}).encode()


def publish(hub, repo_id: str, *, report: bytes | None = None, **files: bytes):
    """A tagged repository with weights of its own and a report on them."""
    weights = {"model.safetensors": repo_id.encode()}
    report = report_bytes_of(repo_id, weights=weights, id=repo_id) if report is None else report
    contents = {"README.md": TAGGED, **weights, REPORT_NAME: report, **files}
    return hub.create_repo(repo_id, files={path: c for path, c in contents.items() if c})


def rows_in(output: Path) -> dict:
    """The rows of an index by their keys."""
    return {row["key"]: row for row in rows_of(read_index(output).table())}
