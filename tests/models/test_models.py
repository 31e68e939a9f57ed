"""The two small models are what their records say: whole, small, trained, and reproducible."""

import json
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

from hubmaxact import corpus

HERE = Path(__file__).parent
KINDS = ("dense", "moe")
LARGEST = 8 * 2**20  # bytes of weights per model

NASTY = [
    "",
    " ",
    "\n\n\t \r\n  x",
    "tab\tand  two spaces ",
    "\u00e9 e\u0301 \ufeff\u200d\u00a0",
    "\u0e20\u0e32\u0e29\u0e32 \u0939\u093f\u0928\u094d\u0926\u0940 \u4e2d\u6587\u3002",
    "\U0001f469\u200d\U0001f680 \U00020000 \x00\x07",
    "1234567890.5e-7",
]


@pytest.fixture(scope="module")
def texts():
    return [text.text for text in corpus.load("probe-5k", num_samples=64).texts]


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def record(kind):
    return json.loads((HERE / kind / "training.json").read_text())


@pytest.fixture(scope="module")
def tokenizer(kind):
    return AutoTokenizer.from_pretrained(HERE / kind)


@pytest.fixture(scope="module")
def loaded(kind):
    return AutoModelForCausalLM.from_pretrained(
        HERE / kind, dtype=torch.float32, output_loading_info=True
    )


@pytest.fixture(scope="module")
def rows(record, tokenizer, texts):
    """<|bos|> and the first tokens of the texts whose loss is recorded as a check."""
    check = record["check"]
    return [
        tokenizer(text)["input_ids"][: check["context"] + 1] for text in texts[: check["texts"]]
    ]


@pytest.fixture(scope="module")
def nats(loaded, rows):
    """The loss of each token after <|bos|>, given those before it."""
    with torch.inference_mode():
        return torch.cat([token_losses(loaded[0], torch.tensor(row)) for row in rows])


def token_losses(model, ids_L):
    logits_LV = model(ids_L[None]).logits[0, :-1]
    return functional.cross_entropy(logits_LV, ids_L[1:], reduction="none")


def weight_files(kind):
    return sorted((HERE / kind).glob("*.safetensors"))


def test_the_weights_load_with_nothing_missing_or_left_over(loaded):
    model, info = loaded
    assert not any(info.values())
    assert model.config.tie_word_embeddings


def test_every_tensor_is_bf16_and_a_model_is_at_most_eight_mebibytes(kind, record):
    assert sum(path.stat().st_size for path in weight_files(kind)) <= LARGEST
    num_parameters = 0
    for path in weight_files(kind):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - safe_open is not a mapping
                tensor = file.get_tensor(name)
                assert tensor.dtype == torch.bfloat16
                assert tensor.isfinite().all()
                num_parameters += tensor.numel()
    assert num_parameters == record["parameters"]


def test_the_moe_model_has_two_shards_and_its_index_names_each_tensor_once():
    index = json.loads((HERE / "moe" / "model.safetensors.index.json").read_text())
    found = {}
    for path in weight_files("moe"):
        with safe_open(path, framework="pt") as file:
            found |= dict.fromkeys(file.keys(), path.name)
    assert found == index["weight_map"]
    assert len(set(found.values())) == 2


def test_the_two_models_match_in_shape_and_active_parameters():
    dense, moe = (json.loads((HERE / kind / "config.json").read_text()) for kind in KINDS)
    for name in ("hidden_size", "num_hidden_layers", "num_attention_heads", "head_dim"):
        assert dense[name] == moe[name]
    assert dense["vocab_size"] == moe["vocab_size"]
    active = moe["moe_intermediate_size"] * moe["num_experts_per_tok"]
    assert dense["intermediate_size"] == active


@pytest.mark.by_day("dense")
def test_the_tokenizer_is_fast_and_gives_every_text_back(tokenizer, texts):
    assert tokenizer.is_fast
    for text in [*NASTY, *texts]:
        assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text


@pytest.mark.by_day("dense")
def test_bos_is_all_that_the_tokenizer_adds(kind, tokenizer, texts):
    plain = Tokenizer.from_file(str(HERE / kind / "tokenizer.json"))
    for text in [*NASTY, *texts[:8]]:
        ids = plain.encode(text, add_special_tokens=False).ids
        assert tokenizer(text)["input_ids"] == [tokenizer.bos_token_id, *ids]
        assert tokenizer(text, add_special_tokens=False)["input_ids"] == ids


@pytest.mark.by_day("dense")
def test_every_id_has_a_row_in_the_embedding(tokenizer, loaded, texts):
    assert len(tokenizer) == loaded[0].get_input_embeddings().num_embeddings
    assert max(max(ids) for ids in tokenizer(texts)["input_ids"]) < len(tokenizer)


def test_both_models_share_one_tokenizer():
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (HERE / "dense" / name).read_bytes() == (HERE / "moe" / name).read_bytes()


def test_the_heldout_loss_is_the_recorded_one(record, nats):
    assert len(nats) == record["check"]["num_tokens"]
    assert float(nats.mean()) == pytest.approx(record["check"]["nats_per_token"], abs=2e-3)


def test_the_record_is_of_this_corpus_and_of_texts_it_was_not_trained_on(record):
    assert record["corpus"]["digest"] == corpus.load("probe-5k", num_samples=1).digest
    assert record["recipe"]["heldout_texts"] == 512


def test_the_model_has_learned_far_more_than_how_often_tokens_occur(rows, nats):
    counts = Counter(token for row in rows for token in row[1:])
    total = sum(counts.values())
    # The kindest unigram model: one that has seen exactly these tokens.
    unigram = -sum(count * math.log(count / total) for count in counts.values()) / total
    assert float(nats.mean()) < 0.6 * unigram


def test_training_has_given_the_first_token_massive_activations(loaded, rows):
    with torch.inference_mode():
        states = loaded[0](torch.tensor(rows[:1]), output_hidden_states=True).hidden_states
    layers_LD = [state[0].abs() for state in states[1:-1]]
    ratio_L = [layer_LD.amax(dim=1) / layer_LD.median(dim=1).values for layer_LD in layers_LD]
    massive = [layer for layer, ratio in enumerate(ratio_L) if ratio[0] > 100]
    assert len(massive) >= 3
    assert len({int(layers_LD[layer][0].argmax()) for layer in massive}) == 1
    assert all(ratio_L[layer][1:].max() < ratio_L[layer][0] / 2 for layer in massive)


def test_the_loss_curves_fall_and_end_at_the_final_loss(record):
    heldout = [row["nats_per_token"] for row in record["heldout"]]
    assert record["heldout"][-1]["step"] == record["recipe"]["steps"]
    assert heldout[0] == pytest.approx(math.log(record["recipe"]["vocab_size"]), abs=0.2)
    assert heldout[-1] < heldout[len(heldout) // 2] < heldout[0]
    assert record["final"][0]["nats_per_token"] == pytest.approx(heldout[-1], abs=5e-3)


def test_every_expert_of_every_layer_is_used_on_heldout_text():
    record = json.loads((HERE / "moe" / "training.json").read_text())
    assert len(record["expert_shares"]) == record["recipe"]["num_layers"]
    for shares in record["expert_shares"]:
        assert sum(shares) == pytest.approx(1, abs=1e-3)
        assert min(shares) > 0.01


def run(*command):
    # One thread: on work this small, threads that wait for each other cost more than they give.
    fixed = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    environment = os.environ | fixed | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_model_cards_are_made_from_the_records():
    done = run(HERE / "card.py", "--check")
    assert done.returncode == 0, done.stderr


@pytest.mark.nightly
def test_the_training_script_trains_saves_and_records_its_recipe(tmp_path):
    few = {
        "steps": 1,
        "tokens_per_step": 128,
        "context": 64,
        "long_context": 128,
        "num_texts": 3,
        "heldout_texts": 1,
    }
    options = [str(part) for name, value in few.items() for part in (_option(name), value)]
    done = run(HERE / "train.py", "moe", *options, "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    recipe = json.loads((tmp_path / "training.json").read_text())["recipe"]
    shipped = json.loads((HERE / "moe" / "training.json").read_text())["recipe"]
    assert recipe == shipped | few
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def _option(name):
    return f"--{name.replace('_', '-')}"
