"""The report of a model that is streamed is that of the same model in memory, to the last byte."""

import shutil

import numpy as np
import pytest
import torch
from adapters.lora import Q, pair, write_adapter
from command import DENSE, MOE
from measurement.streaming.runs import both, states
from oracle import texts, tiny
from quantized.makers import make
from safetensors.torch import load_file, save_file

LENGTHS = (37, 5, 22, 41, 3, 17, 30, 11, 26, 8)
IDS = [
    np.random.default_rng(length).integers(5, 300, size=length).astype(np.int32)
    for length in LENGTHS
]


@pytest.fixture
def corpus(tmp_path):
    return texts.write(tmp_path / "texts.jsonl", texts.ROWS[10:])


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("folder", [DENSE, MOE], ids=lambda folder: folder.name)
def test_report_and_sidecars_are_the_same_bytes(folder, corpus):
    (report, sidecars), streamed = both(folder, corpus, profile="deployment")
    assert streamed == (report, sidecars)
    assert sidecars


@pytest.mark.parametrize("name", ["qwen3_5_moe_text", "deepseek_v3", "gemma3", "bert"])
def test_of_hybrids_latent_attention_images_and_encoders_too(name, corpus, tmp_path):
    in_memory, streamed = both(tiny.build(name, tmp_path / name), corpus)
    assert streamed == in_memory


@pytest.mark.parametrize("name", ["fp8", "gptq"])
def test_of_quantized_weights_that_are_expanded_layer_by_layer(name, corpus, tmp_path):
    in_memory, streamed = both(make(name, DENSE, tmp_path / name), corpus)
    assert streamed == in_memory


def test_of_activations_rounded_as_served(corpus, tmp_path):
    folder = make("fp8", DENSE, tmp_path / "fp8")
    in_memory, streamed = both(folder, corpus, simulate_activations=True)
    assert streamed == in_memory


def test_of_an_adapter_merged_layer_by_layer(corpus, tmp_path):
    rows, columns = load_file(DENSE / "model.safetensors")[f"{Q}.weight"].shape
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    write_adapter(adapter, pair(Q, rows, columns))
    in_memory, streamed = both(adapter, corpus, base=DENSE)
    assert streamed == in_memory


def test_nan_and_infinity_are_told_at_the_same_place(corpus, tmp_path):
    folder = shutil.copytree(DENSE, tmp_path / "damaged")
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.5.mlp.down_proj.weight"][3, 7] = float("inf")
    weights["model.layers.6.self_attn.v_proj.weight"][1, 2] = float("nan")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    in_memory, streamed = both(folder, corpus)
    assert streamed == in_memory
    assert b'"status": "non_finite"' in streamed[0]


@pytest.mark.parametrize(
    ("budget", "most"),
    [((1 << 20,), 10), ((1,), 1), ((30_000,), 3), ((9_000, 0, 40_000), 4)],
    ids=["one chunk", "a chunk each", "some chunks", "partly on disk"],
)
@pytest.mark.parametrize("profile", ["paper", "deployment"])
def test_nothing_depends_on_what_a_chunk_holds(budget, most, profile):
    whole, streamed, chunks = states(DENSE, IDS, budget=budget, profile=profile)
    assert same(whole, streamed)
    assert max(chunks) <= most
    assert (len(chunks) == 1) == (budget[0] == 1 << 20)
