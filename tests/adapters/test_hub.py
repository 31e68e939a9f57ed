"""An adapter on the Hub: what is fetched when, what its report names, and where that goes."""

import json
import subprocess
import sys

import pytest
from command import DENSE
from loopback_hub import LoopbackHub, environment, run_cli

from adapters.lora import BASE, Q, pair, plain, write_adapter

REPO = "alice/lora"
RESOLVE = """
import json, sys
from hubmaxact.errors import HubmaxactError
from hubmaxact.measurement.source import resolve_source
for repo_id in json.load(sys.stdin):
    try:
        print(resolve_source(repo_id))
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
        running.create_repo(BASE, files=files_of(DENSE))
        lora = write_adapter(tmp_path / "lora", plain(), revision="main")
        running.create_repo(REPO, files=files_of(lora))
        yield running


def test_what_cannot_be_merged_is_told_before_weights_are_fetched(hub, tmp_path):
    others = {
        "dora": ({}, {"use_dora": True}),
        "misfit": (pair(Q, 64, 128), {}),
        "gone": (plain(), {"base_model_name_or_path": "alice/gone"}),
        "of-adapter": (plain(), {"base_model_name_or_path": REPO}),
    }
    for name, (tensors, said) in others.items():
        folder = write_adapter(tmp_path / name, tensors, **said)
        hub.create_repo(f"alice/{name}", files=files_of(folder))
    done = subprocess.run(
        [sys.executable, "-c", RESOLVE],
        input=json.dumps([f"alice/{name}" for name in others]),
        env=environment(hub, tmp_path),
        capture_output=True,
        check=False,
        text=True,
    )
    dora, misfit, gone, of_adapter = done.stdout.splitlines()
    assert dora.startswith("AdapterError alice/dora is an adapter of alice/base that cannot be me")
    assert "make a product of shape 64 x 128, and model.layers.2.self_attn.q_proj.weight" in misfit
    assert "alice/gone is an adapter of alice/gone, and cannot be merged into it: " in gone
    assert gone.endswith("Give the base with --base: its folder, or OWNER/NAME on the Hub.")
    assert "is an adapter of alice/lora, and cannot be merged into it: alice/lora is" in of_adapter
    assert str(tmp_path) not in done.stdout
    assert not list(tmp_path.glob("hf/**/*.safetensors"))


def test_it_is_measured_with_its_base_and_its_report_is_pushed(hub, tmp_path):
    options = ("--corpus", "texts.jsonl", "--max-seq-len", "8")
    done = run_cli(["measure", REPO, *options], hub, tmp_path)
    assert done.code == 0, done.said
    path = tmp_path / "activation_maxima.json"
    model = json.loads(path.read_bytes())["model"]
    base = model["adapter_base"]
    commits = {name: hub.repos["model", name].resolve("main").sha for name in (REPO, BASE)}
    assert (model["id"], model["commit"]) == (REPO, commits[REPO])
    assert (base["id"], base["revision"], base["commit"]) == (BASE, "main", commits[BASE])
    assert model["base_model"] == BASE
    names = [[file["path"] for file in block["weight_files"]] for block in (model, base)]
    assert names == [["adapter_model.safetensors"], ["model.safetensors"]]
    done = run_cli(["push", path, REPO], hub, tmp_path)
    assert done.code == 0, done.said
    card = hub.repos["model", REPO].read("README.md").decode()
    assert f"LoRA adapter merged into `{BASE}` at `{commits[BASE][:12]}`" in card
    assert f"--base {BASE}@{commits[BASE]}" in card
    hub.repos["model", REPO].commit({"adapter_model.safetensors": b"other"}, title="train on")
    done = run_cli(["push", path, REPO], hub, tmp_path)
    assert (done.code, "holds other weights than the report" in done.said) == (2, True)
    done = run_cli(["catalog", "build", "--from-hub", "--no-paper", "--output", "c"], hub, tmp_path)
    assert "1 measured (1 stale)" in done.stderr, done.said


@pytest.mark.nightly
def test_it_is_verified_with_the_base_that_the_report_names(hub, tmp_path):
    options = ("--corpus", "texts.jsonl", "--max-seq-len", "8")
    assert run_cli(["measure", REPO, *options], hub, tmp_path).code == 0
    assert run_cli(["push", "activation_maxima.json", REPO], hub, tmp_path).code == 0
    hub.repos["model", BASE].commit({"model.safetensors": b"newer"}, title="move on")
    done = run_cli(["verify", REPO, *options[:2]], hub, tmp_path)
    assert (done.code, "ok   base weights: 1 file" in done.stdout) == (0, True), done.said
    offline = {"HF_HUB_OFFLINE": "1"}
    done = run_cli(
        ["measure", REPO, *options, "--base", f"{BASE}@{hub.repos['model', BASE].history()[1].sha}",
         "--output", "again.json"], hub, tmp_path, extra=offline)  # fmt: skip
    assert done.code == 0, done.said
    first, again = (json.loads((tmp_path / name).read_bytes())
                    for name in ("activation_maxima.json", "again.json"))  # fmt: skip
    assert first["sites"] == again["sites"]
    done = run_cli(["measure", REPO, "--plan", *options], hub, tmp_path)
    assert done.code == 2
