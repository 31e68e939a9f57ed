"""A small model measured through the real command, and what plain hooks see of it."""

import json
import shutil

import pytest
from command import DENSE, MOE, hubmaxact_here

TEXTS = ("The quick brown fox", "def f(x):\n    return x + 1", "12 + 30 = 42, or so they say")
WORDS = ("--corpus", "texts.jsonl", "--profile", "deployment", "--products", "native")
CALIBRATION = 2  # of these texts


def measure(folder, model, *words):
    """Run `hubmaxact measure` in a folder, a batch for each text."""
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in TEXTS))
    few = ("--batch-tokens", 9, "--calibration-samples", CALIBRATION, "--evaluation-samples", 1)
    return hubmaxact_here("measure", model, *WORDS, *few, *words, cwd=folder)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """A folder that holds `report.json` and what lies beside it."""
    folder = tmp_path_factory.mktemp("measured")
    done = measure(folder, DENSE, "--output", "report.json")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def made_of_experts(tmp_path_factory):
    """The same of a model with routed experts."""
    folder = tmp_path_factory.mktemp("experts")
    done = measure(folder, MOE, "--output", "report.json")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def made(made_once, tmp_path):
    """A copy of that folder, to be spoilt."""
    return shutil.copytree(made_once, tmp_path / "made")


@pytest.fixture(scope="session")
def seen_by_text():
    """All rows that each linear map read, by its name, text by text; keys and values likewise."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(DENSE, dtype="auto").eval()
    tokenizer = AutoTokenizer.from_pretrained(DENSE)
    rows = {}

    def keep(name):
        def hook(module, inputs):
            rows.setdefault(name, []).append(inputs[0].flatten(0, -2).float())

        return hook

    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_pre_hook(keep(name))
    with torch.no_grad():
        for text in TEXTS:
            cache = model(**tokenizer(text, return_tensors="pt")).past_key_values
            for number, layer in enumerate(cache.layers):
                name = f"model.layers.{number}.self_attn"
                rows.setdefault(f"{name}.key", []).append(layer.keys[0].transpose(0, 1).float())
                rows.setdefault(f"{name}.value", []).append(layer.values[0].transpose(0, 1).float())
    return rows


@pytest.fixture(scope="session")
def seen(seen_by_text):
    """The same of all texts together."""
    import torch

    return {name: torch.cat(found) for name, found in seen_by_text.items()}


@pytest.fixture(scope="session")
def calibrated(seen_by_text):
    """The same of those of the calibration split."""
    import torch

    return {name: torch.cat(found[:CALIBRATION]) for name, found in seen_by_text.items()}


@pytest.fixture(scope="session")
def evaluated(seen_by_text):
    """The same of those of the evaluation split."""
    import torch

    return {name: torch.cat(found[CALIBRATION:]) for name, found in seen_by_text.items()}
