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


CHUNKS = ["a chunk each", "some chunks", "partly on disk"]


@pytest.fixture
def corpus(tmp_path):
    return texts.write(tmp_path / "texts.jsonl", texts.ROWS[10:])


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_report_and_sidecars_are_the_same_bytes(corpus):
    (report, sidecars), streamed = both(DENSE, corpus, profile="deployment")
    assert streamed == (report, sidecars)
    assert sidecars


@pytest.mark.by_day("partly on disk")
@pytest.mark.parametrize("budget", [(1,), (30_000,), (9_000, 0, 40_000)], ids=CHUNKS)
def test_nothing_depends_on_what_a_chunk_holds(budget):
    whole, streamed, chunks = states(DENSE, IDS, budget=budget)
    assert same(whole, streamed)
    assert max(chunks) <= (1 if budget == (1,) else 4)


@pytest.mark.nightly
def test_of_experts_under_deployment_in_one_chunk():
    whole, streamed, chunks = states(MOE, IDS, budget=(1 << 20,), profile="deployment")
    assert same(whole, streamed)
    assert len(chunks) == 1


def test_of_a_hybrid_whose_experts_are_stored_one_by_one(tmp_path):
    folder = tiny.build("qwen3_5_moe_text", tmp_path / "hybrid")
    whole, streamed, _ = states(folder, IDS, budget=(30_000,))
    assert same(whole, streamed)


@pytest.mark.nightly
def test_of_quantized_weights_that_are_expanded_layer_by_layer(tmp_path):
    whole, streamed, _ = states(make("fp8", DENSE, tmp_path / "fp8"), IDS, budget=(30_000,))
    assert same(whole, streamed)


@pytest.mark.nightly
def test_nan_and_infinity_are_counted_at_the_same_places(tmp_path):
    whole, streamed, _ = states(damaged(tmp_path / "damaged"), IDS, budget=(30_000,))
    assert same(whole, streamed)


def damaged(folder):
    """A checkpoint whose sixth layer makes infinity, and its seventh NaN."""
    shutil.copytree(DENSE, folder)
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.5.mlp.down_proj.weight"][3, 7] = float("inf")
    weights["model.layers.6.self_attn.v_proj.weight"][1, 2] = float("nan")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.mark.nightly
class TestWholeReports:
    """The same of whole reports, of more kinds of checkpoints."""

    def test_of_experts(self, corpus):
        in_memory, streamed = both(MOE, corpus, profile="deployment")
        assert streamed == in_memory

    @pytest.mark.parametrize("name", ["qwen3_5_moe_text", "deepseek_v3", "gemma3", "bert"])
    def test_of_hybrids_latent_attention_images_and_encoders(self, name, corpus, tmp_path):
        in_memory, streamed = both(tiny.build(name, tmp_path / name), corpus)
        assert streamed == in_memory

    @pytest.mark.parametrize("name", ["fp8", "gptq"])
    def test_of_quantized_weights(self, name, corpus, tmp_path):
        in_memory, streamed = both(make(name, DENSE, tmp_path / name), corpus)
        assert streamed == in_memory

    def test_of_activations_rounded_as_served(self, corpus, tmp_path):
        folder = make("fp8", DENSE, tmp_path / "fp8")
        in_memory, streamed = both(folder, corpus, simulate_activations=True)
        assert streamed == in_memory

    def test_of_an_adapter_merged_layer_by_layer(self, corpus, tmp_path):
        rows, columns = load_file(DENSE / "model.safetensors")[f"{Q}.weight"].shape
        adapter = tmp_path / "adapter"
        adapter.mkdir()
        write_adapter(adapter, pair(Q, rows, columns))
        in_memory, streamed = both(adapter, corpus, base=DENSE)
        assert streamed == in_memory

    def test_of_nan_and_infinity(self, corpus, tmp_path):
        in_memory, streamed = both(damaged(tmp_path / "damaged"), corpus)
        assert streamed == in_memory
        assert b'"status": "non_finite"' in streamed[0]
