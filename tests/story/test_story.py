"""The whole story: measure, push, merge, verify elsewhere; then a shard is replaced."""

import json
import shutil

import pytest
from command import MOE
from loopback_hub import LoopbackHub, run_cli
from safetensors.torch import load_file, save_file

REPO = "alice/tiny-moe"
LAYER, CHANNEL, FACTOR = 2, 17, 400.0
NAME = f"model.layers.{LAYER}.self_attn.o_proj.weight"  # (hidden, heads): a row is a channel
SPLITS = ("--calibration-samples", "8", "--evaluation-samples", "16")
QUICK = ("--num-samples", "32", "--max-seq-len", "48", *SPLITS)


def amplify(folder):
    """Multiply what one channel of the residual stream receives in one layer."""
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    shard = folder / index["weight_map"][NAME]
    weights = load_file(shard)
    weights[NAME][CHANNEL] *= FACTOR
    save_file(weights, shard, metadata={"format": "pt"})


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def homes(tmp_path):
    for name in ("releaser", "reader"):
        (tmp_path / name).mkdir()
        yield tmp_path / name


# By day tests/test_readme.py goes from a checkpoint to a verified card, tests/verification and
# tests/hub meet other weights.
@pytest.mark.nightly
def test_from_a_checkpoint_to_a_verified_card_and_back(tmp_path):
    releaser, reader = homes(tmp_path)
    shutil.copytree(MOE, releaser / "model")
    amplify(releaser / "model")
    with LoopbackHub() as hub:
        repo = hub.create_repo(REPO, files=files_of(releaser / "model"))
        measured = run_cli(
            ["measure", "model", "--model-id", REPO, "--write-into", "model", *QUICK],
            hub,
            releaser,
            token="",
        )
        assert measured.code == 0, measured.said
        report = json.loads((releaser / "model" / "activation_maxima.json").read_text())
        peak = report["global_max"]
        assert (peak["channel"], peak["layer"] >= LAYER) == (CHANNEL, True)

        pushed = run_cli(["push", "model/activation_maxima.json", REPO, "--pr"], hub, releaser)
        assert pushed.code == 0, pushed.said
        assert "/discussions/1" in pushed.stdout
        merged = repo.merge(1, author="alice")
        assert b"## Activation maxima" in repo.read("README.md")

        verified = run_cli(["verify", REPO, "--revision", merged.sha], hub, reader, token="")
        assert verified.code == 0, verified.said
        assert "ok   weights: 2 files, sha256 equal" in verified.stdout
        assert "equal bits, same environment" in verified.stdout
        assert f"channel {CHANNEL}" in verified.stdout
        assert f"Reproduced: M = {peak['abs_max']:g}" in verified.stdout

        shard = min((releaser / "model").glob("model-*.safetensors"))
        weights = load_file(shard)
        name = min(weights)
        weights[name] = weights[name] * 2
        save_file(weights, releaser / "replaced.safetensors", metadata={"format": "pt"})
        replaced = repo.commit(
            {shard.name: (releaser / "replaced.safetensors").read_bytes()}, author="alice"
        )

        refuted = run_cli(["verify", REPO, "--revision", replaced.sha], hub, reader, token="")
        assert refuted.code == 1, refuted.said
        assert f"not reproduced: weights differs ({shard.name}" in refuted.stderr
        refused = run_cli(["push", "model/activation_maxima.json", REPO], hub, releaser)
        assert refused.code == 2, refused.said
        assert shard.name in refused.stderr
        assert repo.resolve("main").sha == replaced.sha
