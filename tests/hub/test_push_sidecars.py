"""What lies beside a report goes to the Hub with it, in one commit, and is found there."""

import hashlib
import json
import subprocess

import pytest
from deployed_reports import deployment_report
from example_reports import weights_of
from loopback_hub import run_cli
from loopback_hub.desk import REPO, WEIGHTS
from reports_with_channels import channels, write_with

from hubmaxact.report.write import report_bytes

JSON = "activation_maxima.json"
CONTENTS = {
    "channels.safetensors": b"of channels",
    "blocks.safetensors": b"of blocks",
    "quantization.parquet": b"of every tensor",
}
PATHS = {f"activation_maxima/{name}": content for name, content in CONTENTS.items()}


@pytest.fixture
def deployed(desk):
    """A desk with a report of profile deployment, and the files that it names."""
    report = deployment_report(rounded=True, model={"id": REPO, **weights_of(WEIGHTS)})
    for row in report["sidecars"]:
        content = CONTENTS[row["name"]]
        row |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    desk.file.write_bytes(report_bytes(report))
    desk.file.with_suffix("").mkdir()
    for name, content in CONTENTS.items():
        (desk.file.with_suffix("") / name).write_bytes(content)
    return desk


def validated(desk):
    return run_cli(["validate", REPO], desk.hub, desk.home)


def test_one_commit_carries_them_and_the_hub_has_them_by_digest(deployed):
    done = deployed.push()
    assert (done.code, done.stderr) == (0, "Done.\n")
    assert deployed.commits() == ["Add activation maxima"]
    assert {path: deployed.repo.read(path) for path in PATHS} == PATHS
    assert validated(deployed).stdout == f"{REPO}: valid\n"
    assert "up to date" in deployed.push().stderr
    assert not deployed.hub.asked("GET", "/resolve/.*/activation_maxima/channels")
    deployed.repo.commit({"activation_maxima/channels.safetensors": b"of somebody else"})
    other = validated(deployed)
    assert other.code == 1
    assert "the channels.safetensors beside the report is not the one that it names" in other.stdout


@pytest.mark.nightly
def test_the_report_alone_takes_them_along_and_a_pull_request_too(deployed):
    assert deployed.push("--json-only", "--pr").code == 0
    (pull,) = deployed.repo.discussions.values()
    revision = f"refs/pr/{pull.num}"
    assert {path: deployed.repo.read(path, revision) for path in PATHS} == PATHS
    assert "up to date" in deployed.push("--json-only", "--pr").stderr


@pytest.mark.nightly
def test_a_dry_run_shows_them_as_git_holds_them(deployed, tmp_path):
    dry = deployed.push("--dry-run").raw
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "README.md").write_bytes(deployed.repo.read("README.md"))
    subprocess.run(["git", "init", "-q", folder], check=True)
    subprocess.run(["git", "apply", "-"], input=dry, cwd=folder, check=True)
    assert deployed.push().code == 0
    head = deployed.repo.resolve("main")
    for path in PATHS:
        assert (folder / path).read_bytes() == deployed.repo.blobs[head.files[path].blob]


@pytest.mark.nightly
def test_what_is_not_there_is_told_and_the_report_pushed(deployed):
    (deployed.file.with_suffix("") / "blocks.safetensors").unlink()
    done = deployed.push()
    assert done.code == 0
    assert "The report names blocks.safetensors, not found beside it" in done.stderr
    assert deployed.repo.read("activation_maxima/channels.safetensors") == b"of channels"


def test_another_file_than_the_report_names_is_not_pushed(deployed):
    (deployed.file.with_suffix("") / "blocks.safetensors").write_bytes(b"of others")
    done = deployed.push()
    assert done.code == 2
    assert "the blocks.safetensors beside the report is not the one that it names" in done.stderr
    assert deployed.commits() == []
    assert json.loads(deployed.report)["sidecars"]


@pytest.mark.nightly
def test_an_export_finds_the_channels_of_a_report_on_the_hub(desk):
    report = deployment_report(rounded=True, model={"id": REPO, **weights_of(WEIGHTS)})
    write_with(desk.file, report, channels(report))
    assert desk.push("--json-only").code == 0
    for name in (REPO, f"{desk.hub.url}/{REPO}/blob/main/{JSON}"):
        made = desk.home / "act_scales.pt"
        done = run_cli(
            ["export", name, "--to", "smoothquant", "--output", made], desk.hub, desk.home
        )
        assert (done.code, done.stdout) == (0, f"{made}\n")
        assert "self_attn.q_proj" in made.read_bytes().decode("latin-1")
        made.unlink()
