"""An adapter on the Hub: what is fetched when, what its report names, and where that goes."""

import json
import subprocess
import sys

import pytest
from command import DENSE
from example_reports import weights_of
from loopback_hub import LoopbackHub, environment, run_cli
from shipped_reports import changed

from adapters.lora import BASE, Q, pair, plain, write_adapter
from hubmaxact.report.write import report_bytes

REPO = "alice/lora"
QUICK = ("--corpus", "texts.jsonl", "--max-seq-len", "8")
DESCRIBE = """
import json, sys
from hubmaxact.errors import HubmaxactError
from hubmaxact.measurement.source_with_base import describe_with_base
for repo_id in json.load(sys.stdin):
    try:
        found, _ = describe_with_base(repo_id)
        for each in (found, found.base):
            end = " " if each is found else "\\n"
            print(each.model_id, each.revision, each.commit, end=end)
    except HubmaxactError as error:
        print(type(error).__name__, error)
"""


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(tmp_path):
    """A base, an adapter of it, and one text."""
    (tmp_path / "texts.jsonl").write_text('{"text": "The largest activation of a layer."}\n')
    with LoopbackHub() as running:
        running.create_repo(BASE, files=files_of(DENSE)).tag("v1")
        lora = write_adapter(tmp_path / "lora", plain(), revision="v1")
        running.create_repo(REPO, files=files_of(lora))
        yield running


def test_whether_it_can_be_merged_is_told_before_weights_are_fetched(hub, tmp_path):
    others = {
        "dora": ({}, {"use_dora": True}),
        "misfit": (pair(Q, 64, 128), {}),
        "gone": (plain(), {"base_model_name_or_path": "alice/gone"}),
        "of-adapter": (plain(), {"base_model_name_or_path": REPO}),
    }
    for name, (tensors, said) in others.items():
        folder = write_adapter(tmp_path / name, tensors, **said)
        hub.create_repo(f"alice/{name}", files=files_of(folder))
    dora, misfit, gone, of_adapter, found = described(hub, tmp_path, *others, "lora")
    assert dora.startswith("AdapterError alice/dora is an adapter of alice/base that cannot be me")
    assert "make a product of shape 64 x 128, and model.layers.2.self_attn.q_proj.weight" in misfit
    assert "alice/gone is an adapter of alice/gone, and cannot be merged into it: " in gone
    assert gone.endswith("Give the base with --base: its folder, or OWNER/NAME on the Hub.")
    assert "is an adapter of alice/lora, and cannot be merged into it: alice/lora is" in of_adapter
    assert found == f"{REPO} main {commit(hub, REPO)} {BASE} v1 {commit(hub, BASE)}"
    assert str(tmp_path) not in f"{dora}{misfit}{gone}{of_adapter}"
    assert not list(tmp_path.glob("hf/**/*.safetensors"))


def described(hub, home, *names):
    done = subprocess.run(
        [sys.executable, "-c", DESCRIBE],
        input=json.dumps([f"alice/{name}" for name in names]),
        env=environment(hub, home),
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def commit(hub, repo_id):
    return hub.repos["model", repo_id].resolve("main").sha


@pytest.mark.nightly
def test_a_report_is_held_against_the_adapters_own_file(hub, tmp_path):
    files = weights_of({"model.safetensors": b"anything"})["weight_files"]
    into = {"id": BASE, "revision": "v1", "commit": commit(hub, BASE), "weight_files": files}
    own = (tmp_path / "lora" / "adapter_model.safetensors").read_bytes()
    told = weights_of({"adapter_model.safetensors": own})
    path = tmp_path / "report.json"
    path.write_bytes(report_bytes(changed({"id": REPO, **told, "adapter_base": into})))
    assert run_cli(["push", path, REPO], hub, tmp_path).code == 0
    repo = hub.repos["model", REPO]
    card = repo.read("README.md").decode()
    assert f"LoRA adapter merged into `{BASE}` at `{commit(hub, BASE)[:12]}`" in card
    assert f"--base {BASE}@{commit(hub, BASE)}" in card
    build = ["catalog", "build", "--from-hub", "--no-paper", "--output", "catalog"]
    assert "1 measured (1 current)" in run_cli(build, hub, tmp_path).stderr
    repo.commit({"adapter_model.safetensors": b"trained on"}, title="train on")
    done = run_cli(["push", path, REPO], hub, tmp_path)
    assert (done.code, "holds other weights than the report" in done.said) == (2, True)


@pytest.mark.nightly
def test_it_is_measured_and_verified_with_its_base(hub, tmp_path):
    done = run_cli(["measure", REPO, *QUICK], hub, tmp_path)
    assert done.code == 0, done.said
    first = json.loads((tmp_path / "activation_maxima.json").read_bytes())
    model, base = first["model"], first["model"]["adapter_base"]
    assert (model["id"], model["commit"]) == (REPO, commit(hub, REPO))
    assert (base["id"], base["revision"], base["commit"]) == (BASE, "v1", commit(hub, BASE))
    assert model["base_model"] == BASE
    names = [[file["path"] for file in block["weight_files"]] for block in (model, base)]
    assert names == [["adapter_model.safetensors"], ["model.safetensors"]]
    assert run_cli(["push", "activation_maxima.json", REPO], hub, tmp_path).code == 0

    pinned = f"{BASE}@{commit(hub, BASE)}"
    hub.repos["model", BASE].commit({"model.safetensors": b"newer"}, title="move on")
    done = run_cli(["verify", REPO, *QUICK[:2]], hub, tmp_path)
    assert (done.code, "ok   base weights: 1 file" in done.stdout) == (0, True), done.said
    again = ["measure", REPO, *QUICK, "--base", pinned, "--output", "again.json"]
    done = run_cli(again, hub, tmp_path, extra={"HF_HUB_OFFLINE": "1"})
    assert done.code == 0, done.said
    assert json.loads((tmp_path / "again.json").read_bytes())["sites"] == first["sites"]
    done = run_cli(["measure", REPO, "--plan", *QUICK, "--base", pinned], hub, tmp_path)
    assert f"Merged into   {BASE}" in done.stdout, done.said
