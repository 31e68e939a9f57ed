"""`hubmaxact verify`: what it reproduces, and what it catches."""

import json
import os
import shutil

import pytest
from command import DENSE, hubmaxact, hubmaxact_here

TEXTS = [
    {
        "text": "The river froze before the ferry could turn back to the northern shore.",
        "domain": "a",
    },
    {"text": "def area(w, h):\n    return w * h\n", "domain": "b"},
    {"text": "12 + 30 = 42, and 42 / 6 = 7.", "domain": "b"},
    {"text": "Короткая запись про погоду.", "domain": "a"},
] * 3


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A measured copy of the dense model: folder, corpus, report."""
    home = tmp_path_factory.mktemp("measured")
    shutil.copytree(DENSE, home / "model")
    (home / "texts.jsonl").write_text("".join(json.dumps(text) + "\n" for text in TEXTS))
    result = hubmaxact_here(
        "measure", "model", "--corpus", "texts.jsonl", "--batch-tokens", 64,
        "--calibration-samples", 4, "--evaluation-samples", 6, cwd=home,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return home


def verify(measured, report, *, model="model"):
    path = measured / "edited.json"
    path.write_text(json.dumps(report))
    return hubmaxact_here("verify", path, model, "--corpus", "texts.jsonl", cwd=measured)


def load(measured):
    return json.loads((measured / "activation_maxima.json").read_text())


def test_a_true_report_is_reproduced_bit_for_bit(measured):
    report = load(measured)
    result = verify(measured, report)
    assert result.returncode == 0, result.stderr
    assert "equal bits, same environment" in result.stdout
    assert f"Reproduced: M = {report['global_max']['abs_max']:g}" in result.stdout
    assert "FAIL" not in result.stdout


@pytest.mark.nightly
def test_weights_that_the_checkpoint_does_not_load_are_named_and_not_demanded(measured):
    extra = measured / "model" / "mtp.safetensors"
    extra.write_bytes(b"speculative layers")
    command = ("verify", "activation_maxima.json", "model", "--corpus", "texts.jsonl")
    try:
        # A process of its own, whose warnings nobody catches; it rounds as this one does.
        result = hubmaxact(*command, home=measured, MKL_CBWR=os.environ["MKL_CBWR"])
    finally:
        extra.unlink()
    assert result.returncode == 0, result.stderr
    assert "mtp.safetensors is not loaded by the checkpoint, and not measured" in result.stderr


@pytest.mark.nightly
def test_another_environment_allows_two_steps_and_says_so(measured):
    report = load(measured)
    report["environment"]["python"] = "3.99.0"
    result = verify(measured, report)
    assert result.returncode == 0, result.stderr
    assert "within two bf16 steps, other environment" in result.stdout


def test_replaced_weights_are_named(measured, tmp_path):
    from safetensors.torch import load_file, save_file

    other = shutil.copytree(measured / "model", tmp_path / "other")
    weights = load_file(other / "model.safetensors")
    weights["model.norm.weight"] += 1
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    result = verify(measured, load(measured), model=other)
    assert result.returncode == 1
    assert "not reproduced: weights differs (model.safetensors: report " in result.stderr
    assert "M:" not in result.stdout


def test_another_corpus_is_named(measured):
    report = load(measured)
    report["protocol"]["corpus"]["digest"] = "sha256:" + "0" * 64
    result = verify(measured, report)
    assert result.returncode == 1
    assert "not reproduced: corpus differs" in result.stderr


def test_a_corpus_that_is_not_carried_must_be_given(measured):
    result = hubmaxact_here("verify", "activation_maxima.json", "model", cwd=measured)
    assert result.returncode == 2
    assert "measured on texts, which hubmaxact does not carry" in result.stderr
    assert "--corpus" in result.stderr


def test_a_report_without_a_repository_needs_its_checkpoint(measured):
    result = hubmaxact_here("verify", "activation_maxima.json", cwd=measured)
    assert result.returncode == 2
    assert "Give the checkpoint: hubmaxact verify FILE CHECKPOINT" in result.stderr


def test_a_folder_that_holds_both_is_enough(measured, tmp_path):
    folder = shutil.copytree(measured / "model", tmp_path / "both")
    shutil.copy(measured / "activation_maxima.json", folder)
    result = hubmaxact_here("verify", folder, "--corpus", measured / "texts.jsonl", cwd=tmp_path)
    assert result.returncode == 0, result.stderr


def test_a_foreign_attention_is_never_loaded(measured):
    report = load(measured)
    report["protocol"]["attn_implementation"] = "someone/kernel"
    result = verify(measured, report)
    assert result.returncode in (1, 2)
    assert "Traceback" not in result.stderr
    assert "ok   M" not in result.stdout


def test_an_invalid_report_is_refused(measured):
    report = load(measured)
    report["global_max"]["abs_max"] *= 2
    result = verify(measured, report)
    assert result.returncode == 1
    assert "global_max" in result.stderr
