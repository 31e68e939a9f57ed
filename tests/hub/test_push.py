"""`hubmaxact push` when the Hub behaves: what it commits, where, and when it commits nothing."""

import hashlib
import json
import subprocess

import pytest
from loopback_hub import LoopbackHub, at_once, run_cli
from loopback_hub.desk import README, REPO, WEIGHTS, report_on, sit_down

from hubmaxact.errors import HubError
from hubmaxact.hub.repository import check_repo_id

JSON = "activation_maxima.json"
SINGLE_SHARD = "model-00001-of-00001.safetensors"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
SVG = "activation_maxima/layers.svg"
TITLE = "Add activation maxima"


def test_one_commit_carries_report_section_tag_and_picture(desk):
    done = desk.push()
    assert (done.code, done.stderr) == (0, "Done.\n")
    head = desk.repo.resolve("main")
    assert done.stdout == f"{desk.hub.url}/{REPO}/commit/{head.sha}\n"
    assert desk.commits() == [TITLE]
    assert desk.repo.read(JSON) == desk.report
    assert desk.repo.read(SVG).startswith(b"<svg")
    readme = desk.repo.read("README.md")
    assert readme.startswith(
        README.replace(b"- text\n", b"- text\n- activation-maxima\n") + b"\n<!--"
    )


def test_pushing_again_changes_nothing_and_says_so(desk):
    assert desk.push().code == 0
    again = (), ("--pr",), ("--json-only",), ("--dry-run",)
    for done in at_once(desk.push, again):
        assert (done.code, done.stdout) == (0, "")
        assert "already up to date" in done.stderr.lower()
    assert desk.commits() == [TITLE]
    assert desk.repo.discussions == {}


@pytest.mark.nightly
def test_json_only_leaves_readme_and_picture_alone(desk):
    assert desk.push("--json-only").code == 0
    assert desk.repo.read(JSON) == desk.report
    assert desk.repo.read("README.md") == README
    assert desk.repo.read(SVG) is None


@pytest.mark.nightly
def test_a_branch_can_be_pushed_to(desk):
    desk.repo.branch("next")
    assert desk.push("--revision", "next").code == 0
    assert desk.repo.read(JSON, "next") == desk.report
    assert desk.repo.read(JSON, "main") is None


def test_a_dry_run_prints_the_diff_that_a_push_commits(desk, tmp_path):
    readme = README.replace(b"\n", b"\r\n") + b"no newline at end"
    desk.repo.commit({"README.md": readme, SVG: b"\xffold"})
    dry = desk.push("--dry-run").raw
    assert desk.hub.asked("POST", "/commit/") == desk.hub.asked("POST", "/preupload/") == []
    folder = tmp_path / "clone"
    for path in ("README.md", SVG):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(desk.repo.read(path))
    subprocess.run(["git", "init", "-q", folder], check=True)
    subprocess.run(["git", "apply", "--binary", "-"], input=dry, cwd=folder, check=True)
    assert desk.push().code == 0
    for path in ("README.md", SVG, JSON):
        assert (folder / path).read_bytes() == desk.repo.read(path)


def short(content):
    return hashlib.sha256(content).hexdigest()[:12]


SHARD = "model-00002-of-00002.safetensors"
OLD, NEW = WEIGHTS[SHARD], b"other weights"
MISMATCHES = [
    ("another content", {SHARD: NEW}, f"{short(NEW)} on the Hub and {short(OLD)} in the report"),
    ("missing on the Hub", {SHARD: None}, f"{SHARD} (sha256 {short(OLD)}) is not there"),
    ("not in the report", {"adapter_model.safetensors": NEW}, "adapter_model.safetensors (sha256 "),
]


def test_other_weights_on_the_hub_are_refused(tmp_path):
    def run(name, changes):
        home = tmp_path / name
        home.mkdir()
        with LoopbackHub() as hub:
            desk = sit_down(hub, home)
            desk.repo.commit(changes, title="new weights")
            return desk.push(), desk.commits()

    runs = at_once(run, [row[:2] for row in MISMATCHES])
    for (name, _, words), (done, commits) in zip(MISMATCHES, runs, strict=True):
        assert (done.code, done.stdout, commits) == (2, "", ["new weights"]), name
        assert "holds other weights than the report was measured on" in done.stderr, name
        assert words in done.stderr, name


def test_second_copies_and_other_formats_of_the_weights_do_not_matter(desk):
    desk.repo.commit(
        {"consolidated.safetensors": b"x", "onnx/model.safetensors": b"y", "a.bin": b"z"}
    )
    assert desk.push().code == 0


def index_of(*files):
    return json.dumps({"weight_map": dict(enumerate(files))}).encode()


@pytest.mark.nightly
def test_weights_that_nothing_loads_are_named_and_not_demanded(tmp_path):
    index = "model.safetensors.index.json"
    kept = {index: index_of(*WEIGHTS), "mtp.safetensors": b"more", "old.safetensors": b"left"}
    loaded = {index: index_of(*WEIGHTS, "mtp.safetensors"), "mtp.safetensors": b"more"}
    runs = [
        (
            kept,
            (),
            0,
            "In alice/model, mtp.safetensors, old.safetensors are not loaded by the check",
        ),
        (kept, ("--pr", "--dry-run"), 0, "mtp.safetensors, old.safetensors are not loaded"),
        (loaded, (), 2, "mtp.safetensors (sha256 "),
        ({"model.safetensors": b"one"}, (), 2, "model.safetensors (sha256 "),
        ({**kept, index: b"{"}, (), 2, "model.safetensors.index.json of alice/model is not JSON"),
        ({SHARD: POINTER}, (), 2, f"{SHARD} is a Git LFS pointer on the Hub"),
    ]

    def run(number, changes, options):
        home = tmp_path / str(number)
        home.mkdir()
        with LoopbackHub() as hub:
            desk = sit_down(hub, home)
            if POINTER in changes.values():
                desk.repo.commit({".gitattributes": b""})
            desk.repo.commit(changes)
            return desk.push(*options)

    done = at_once(run, [(number, *row[:2]) for number, row in enumerate(runs)])
    for (_, _, code, words), result in zip(runs, done, strict=True):
        assert (result.code, words in result.stderr) == (code, True), result.stderr


@pytest.mark.nightly
def test_scales_of_a_cache_beside_the_measured_weights_change_nothing(tmp_path):
    """As `export` puts them there: a single file has another name since, and the index two more."""
    single, renamed, shard = "model.safetensors", SINGLE_SHARD, "model-kv-scales.safetensors"
    scale = {"model.layers.0.self_attn.k_scale": shard}
    exported = {
        "model.safetensors.index.json": json.dumps({"weight_map": {"w": renamed, **scale}}).encode()
    }
    other = {
        "model.safetensors.index.json": json.dumps(
            {"weight_map": {"w": renamed, "v": shard}}
        ).encode()
    }
    runs = [
        ({**exported, renamed: b"weights", shard: b"scales"}, 0, ""),
        ({**exported, renamed: b"others", shard: b"scales"}, 2, f"{single} has sha256 "),
        ({**other, renamed: b"weights", shard: b"more"}, 2, f"{shard} (sha256 "),
    ]

    def run(number, files):
        home = tmp_path / str(number)
        home.mkdir()
        with LoopbackHub() as hub:
            hub.create_repo(REPO, files=files)
            (home / "report.json").write_bytes(report_on({single: b"weights"}))
            return run_cli(["push", home / "report.json", REPO], hub, home)

    done = at_once(run, [(number, row[0]) for number, row in enumerate(runs)])
    for (_, code, words), result in zip(runs, done, strict=True):
        assert (result.code, words in result.stderr) == (code, True), result.stderr
    assert "not loaded" not in done[0].stderr


@pytest.mark.nightly
def test_weights_stored_without_lfs_are_compared_too(hub, tmp_path):
    weights = {"model.safetensors": b"small"}
    hub.create_repo(REPO, files=weights, gitattributes=b"")
    file = tmp_path / "report.json"
    file.write_bytes(report_on(weights))
    assert run_cli(["push", file, REPO], hub, tmp_path).code == 0
    file.write_bytes(report_on({"model.safetensors": b"other"}))
    assert run_cli(["push", file, REPO], hub, tmp_path).code == 2


@pytest.mark.nightly
def test_a_report_that_names_another_repository_is_pushed_with_a_remark(desk):
    desk.file.write_bytes(report_on(WEIGHTS, id="someone/original"))
    done = desk.push()
    assert done.code == 0
    assert "The report names someone/original" in done.stderr


def test_an_invalid_report_is_not_pushed(desk):
    desk.file.write_text('{"schema_version": "0.1"}')
    done = desk.push()
    assert done.code == 1
    assert desk.hub.requests == []


@pytest.mark.parametrize("name", ["a/b/c", "../x", "alice/..", "alice/mo del", "https://x/y"])
def test_what_is_no_repository_id_never_becomes_a_url(name):
    with pytest.raises(HubError, match="not a repository id"):
        check_repo_id(name)


@pytest.mark.nightly
def test_files_that_the_repository_ignores_are_reported(desk):
    desk.repo.commit({".gitignore": b"activation_maxima.json\n"})
    done = desk.push()
    assert done.code == 2
    assert "without activation_maxima.json" in done.stderr


@pytest.mark.nightly
def test_an_empty_home_and_a_job_of_a_trusted_publisher_are_enough(desk):
    desk.hub.trusted_publishers.add(REPO)
    job = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": desk.hub.ci_identity_url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": desk.hub.ci_request_token,
        "HF_OIDC_RESOURCE": REPO,
    }
    assert desk.push("--pr", token="", extra=job).code == 0
    desk.file.write_bytes(report_on(WEIGHTS, stage="base"))
    again = desk.push("--pr", token="", extra=job)
    assert again.code == 0
    assert again.stdout.endswith("/discussions/1\n")
    assert desk.repo.read(JSON, "refs/pr/1") == desk.report
    assert len(desk.repo.discussions) == 1
