"""The installed commands once each, as on a machine without torch: `python tests/smoke.py`.

Needs the package, pyarrow and nothing of the tests' own tools, so it runs on any platform. What
the commands write must be, byte for byte, what they write elsewhere.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import example_reports
from audit import checkpoints
from catalog_reports import report_bytes_of
from exported import model_folder
from loopback_hub import LoopbackHub, environment
from loopback_hub.desk import REPO, sit_down

from hubmaxact.catalog.store import read_index
from hubmaxact.report.write import report_bytes

GOLDEN = Path(__file__).parent / "rendering" / "goldens" / "section_dense.md"
PAPER = 27  # releases that every catalog holds


def run(*words, hub, home):
    """What `hubmaxact WORDS` prints; it must succeed."""
    command = [sys.executable, "-m", "hubmaxact", *map(str, words)]
    env = environment(hub, home)
    done = subprocess.run(command, capture_output=True, env=env, cwd=home, check=False)
    assert done.returncode == 0, (words, done)
    assert b"\r" not in done.stdout, (words, done.stdout)
    return done.stdout


def put(folder, *names):
    """Reports that differ in their weights."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}.json").write_bytes(report_bytes_of(name))


def check_sections(hub, home):
    (home / "dense.json").write_bytes(report_bytes(example_reports.dense_report()))
    assert run("validate", "dense.json", hub=hub, home=home) == b"dense.json: valid\n"
    section = GOLDEN.read_bytes()
    assert run("card", "dense.json", hub=hub, home=home) == section
    run("card", "dense.json", "--readme", "README.md", "--write", hub=hub, home=home)
    assert section in (home / "README.md").read_bytes()


def check_catalog(hub, home):
    reports = home / "reports"
    put(reports, "B", "a", "c")
    files = [reports / f"{name}.json" for name in ("B", "a")]
    compared = json.loads(run("compare", *files, "--format", "json", hub=hub, home=home))
    assert len(compared["reports"]) == len(files)
    build = ("catalog", "build", "reports", "--output", "catalog")
    run(*build, hub=hub, home=home)
    first = read_index(home / "catalog")
    assert first.table().num_rows == PAPER + 3
    (reports / "c.json").unlink()
    run(*build, hub=hub, home=home)
    assert read_index(home / "catalog").table().num_rows == PAPER + 2
    names = sorted(path.name for path in (home / "catalog").iterdir())
    assert names == ["index.parquet", "manifest.json"]
    run("catalog", "export", "site", "--index", "catalog", hub=hub, home=home)
    assert json.loads((home / "site/data/about.json").read_bytes())["index"]["rows"] == PAPER + 2


def check_audit(hub, home):
    report = checkpoints.deployment_report()
    (home / "deployment.json").write_bytes(report_bytes(report))
    tensors, said = checkpoints.fp8_modelopt(report), checkpoints.said_modelopt()
    checkpoints.write(home / "quantized", tensors, said)
    words = ("audit", "deployment.json", "quantized", "--format", "json")
    found = json.loads(run(*words, hub=hub, home=home))
    assert {row["verdict"] for row in found["rows"]} == {"matches"}


def check_export(hub, home):
    model_folder(home / "dense")
    kv = ("export", "dense", "--to", "compressed-tensors-kv", "--output", "kv")
    assert run(*kv, hub=hub, home=home).splitlines() == [b"kv"]
    config = json.loads((home / "kv" / "config.json").read_bytes())
    assert config["quantization_config"]["kv_cache_scheme"]["num_bits"] == 8
    weights = (home / "dense" / "model.safetensors").read_bytes()
    assert (home / "kv" / "model-00001-of-00001.safetensors").read_bytes() == weights
    run("export", "dense", "--to", "ignore-list", "--output", "list.json", hub=hub, home=home)


def check_push(hub, home):
    desk = sit_down(hub, home)
    said = run("push", desk.file, REPO, "--dry-run", hub=hub, home=home)
    assert b"+++ b/README.md\n" in said
    assert hub.asked("POST", "/commit/") == []
    run("push", desk.file, REPO, hub=hub, home=home)
    assert desk.repo.read("activation_maxima.json") == desk.report


if __name__ == "__main__":
    for check in (check_sections, check_catalog, check_audit, check_export, check_push):
        with tempfile.TemporaryDirectory() as folder, LoopbackHub() as running:
            check(running, Path(folder).resolve())
        print(f"{check.__name__}: ok")
