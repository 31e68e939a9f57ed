"""Decoders built in other ways than most: the right tensors, or a refusal before the run."""

import json
import warnings

import pytest
import torch
from oracle import tiny
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
)

from hubmaxact import Options, measure
from hubmaxact.errors import UnknownAnatomyError
from hubmaxact.measurement.anatomy.decoder_stack import token_embedding
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.report.write import report_bytes

SMALL = {"vocab_size": 320, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
SMALL |= {"intermediate_size": 56, "max_position_embeddings": 64}
IDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
GPT = {"vocab_size": 320, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
OPT_350M = {"word_embed_proj_dim": 16, "do_layer_norm_before": False, "ffn_dim": 56}
CTRL = {"vocab_size": 320, "n_embd": 32, "n_layer": 2, "n_head": 4, "dff": 56, "n_positions": 64}
MPT = {"vocab_size": 320, "d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 64}
DBRX = {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 64}
DBRX["attn_config"] = {"kv_n_heads": 2, "clip_qkv": 8, "rope_theta": 1e4}
DBRX["ffn_config"] = {
    "ffn_hidden_size": 24,
    "moe_num_experts": 4,
    "moe_top_k": 2,
    "hidden_size": 32,
}
RWKV = {"vocab_size": 320, "hidden_size": 32, "num_hidden_layers": 2, "context_length": 64}
RWKV |= {"attention_hidden_size": 32, "intermediate_size": 56}
T5 = {"vocab_size": 320, "d_model": 32, "d_kv": 8, "d_ff": 56, "num_layers": 2, "num_heads": 4}


def model(model_type, auto=AutoModelForCausalLM, **config):
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = auto.from_config(AutoConfig.for_model(model_type, **IDS, **config)).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.dim() >= 2:
                parameter.normal_(0.0, 0.3)
    return made


def modules(anatomy, role):
    return [site.module for site in anatomy.sites if site.role == role]


def run(decoder, *, watching, ids=None):
    """What the named modules put out, every call of them."""
    seen = {name: [] for name in watching}
    handles = [
        decoder.get_submodule(name).register_forward_hook(
            lambda _, args, out, name=name: seen[name].append((args, out))
        )
        for name in watching
    ]
    with torch.no_grad():
        last = decoder.base_model(
            input_ids=torch.arange(24).view(2, 12) if ids is None else ids
        ).last_hidden_state
    for handle in handles:
        handle.remove()
    return seen, last


class TestBeforeTheResidualAdd:
    """Some blocks add the residual themselves; what is watched is what they add to it."""

    def test_bloom(self):
        decoder = model("bloom", vocab_size=320, hidden_size=32, n_layer=2, n_head=4)
        anatomy = find_sites(decoder)
        attention, mlp = modules(anatomy, "attention_output"), modules(anatomy, "mlp_output")
        assert attention == [f"transformer.h.{n}.self_attention.dense" for n in (0, 1)]
        assert mlp == [f"transformer.h.{n}.mlp.dense_4h_to_h" for n in (0, 1)]
        layers = modules(anatomy, "hidden_state")
        seen, _ = run(decoder, watching=[*attention, *mlp, *layers])
        for layer, *parts in zip(layers, attention, mlp, strict=True):
            ((given, put_out),) = seen[layer]
            added = sum(seen[part][0][1] for part in parts)
            torch.testing.assert_close(given[0] + added, put_out[0])

    def test_mpt(self):
        anatomy = find_sites(model("mpt", **MPT))
        assert modules(anatomy, "mlp_output") == [
            f"transformer.blocks.{n}.ffn.down_proj" for n in (0, 1)
        ]
        assert modules(anatomy, "attention_output") == [
            f"transformer.blocks.{n}.attn" for n in (0, 1)
        ]


class TestFinalNorm:
    def test_one_that_also_norms_the_embedding_is_watched_at_its_last_call(self, tmp_path):
        decoder = model("nanochat", **SMALL, num_key_value_heads=2)
        site = next(site for site in find_sites(decoder).sites if site.role == "final_norm")
        assert (site.module, site.calls) == ("model.norm", 2)
        report = measured(decoder, tmp_path)
        row = report["sites"][-1]
        assert row["count"] == report["protocol"]["corpus"]["num_tokens"] * SMALL["hidden_size"]
        seen, last = run(decoder, watching=["model.norm"], ids=encoded(tmp_path))
        assert torch.equal(seen["model.norm"][-1][1], last)
        assert row["max"] == last.max()

    @pytest.mark.parametrize(
        ("model_type", "config"),
        [("opt", SMALL | OPT_350M), ("openai-gpt", GPT)],
        ids=["OPT of 350M", "the first GPT"],
    )
    def test_where_there_is_none_it_is_absent_by_design(self, model_type, config, tmp_path):
        decoder = model(model_type, **config)
        anatomy = find_sites(decoder)
        assert modules(anatomy, "final_norm") == []
        assert anatomy.missing == ()
        report = measured(decoder, tmp_path)
        assert report["coverage"]["final_norm"] == {"expected": 0, "fired": 0, "absent": 1}
        assert report["status"] == "complete"
        assert report_bytes(report)


def test_a_block_that_is_a_sequence_of_modules_is_found():
    anatomy = find_sites(model("ctrl", **CTRL))
    assert modules(anatomy, "mlp_output") == [f"transformer.h.{n}.ffn" for n in (0, 1)]


def test_an_activation_that_layers_share_is_no_gate_of_theirs():
    assert modules(find_sites(model("openai-gpt", **GPT)), "mlp_gate") == []


def test_layers_are_found_where_the_decoder_by_name_is_a_head():
    config = SMALL | {"global_attn_every_n_layers": 1}
    anatomy = find_sites(model("modernbert-decoder", **config))
    assert anatomy.num_layers == 2
    assert anatomy.missing == ()


@pytest.mark.parametrize("model_type", ["qwen3_moe", "gpt_oss"])
def test_experts_that_run_in_an_unknown_way_have_gates_that_are_missing_once(model_type, tmp_path):
    experts = {"num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2}
    decoder = model(model_type, **SMALL, num_key_value_heads=2, head_dim=8, **experts)
    decoder.config._experts_implementation = "eager"
    anatomy = find_sites(decoder)
    assert [(m.role, m.layer) for m in anatomy.missing] == [("mlp_gate", 0), ("mlp_gate", 1)]
    assert all("run as 'eager'" in m.reason for m in anatomy.missing)
    assert modules(anatomy, "mlp_gate") == []


def test_the_channel_mix_of_rwkv_is_its_block_and_has_a_gate():
    anatomy = find_sites(model("rwkv", **RWKV))
    blocks = [f"rwkv.blocks.{n}" for n in (0, 1)]
    assert modules(anatomy, "attention_output") == [f"{block}.attention" for block in blocks]
    assert modules(anatomy, "mlp_output") == [f"{block}.feed_forward" for block in blocks]
    gates = [f"{block}.feed_forward.receptance" for block in blocks]
    assert modules(anatomy, "mlp_gate") == gates
    assert anatomy.absent["mlp_output"] == anatomy.absent["mlp_gate"] == 0
    assert anatomy.absent["router_logits"] == 2
    assert anatomy.missing == ()


class Unnamed(nn.Module):
    """A block whose weights are plain parameters; whether one of them is a gate's, nothing says."""

    def __init__(self, activation=None):
        super().__init__()
        self.into = nn.Parameter(torch.randn(56, SMALL["hidden_size"]))
        self.back = nn.Parameter(torch.randn(SMALL["hidden_size"], 56))
        self.act = activation

    def forward(self, x):
        return (self.act or torch.sigmoid)(x @ self.into.T) @ self.back.T


class TestNothingMissingIsCalledAbsent:
    def test_gates_inside_experts_of_an_own_class(self):
        anatomy = find_sites(model("dbrx", **(SMALL | DBRX)))
        assert anatomy.absent["mlp_gate"] == 0
        assert [(m.role, m.layer) for m in anatomy.missing] == [("mlp_gate", 0), ("mlp_gate", 1)]

    def test_a_gate_that_a_blocks_weights_do_not_rule_out(self):
        decoder = model("llama", **SMALL, num_key_value_heads=2)
        decoder.model.layers[1].mlp = Unnamed(nn.SiLU())
        (missing,) = find_sites(decoder).missing
        assert (missing.role, missing.layer) == ("mlp_gate", 1)
        assert "do not tell whether it has a gate" in missing.reason

    def test_a_block_that_nothing_shows_to_be_one(self):
        decoder = model("llama", **SMALL, num_key_value_heads=2)
        decoder.model.layers[1].mlp = Unnamed()
        anatomy = find_sites(decoder)
        assert [(m.role, m.layer) for m in anatomy.missing] == [("mlp_output", 1), ("mlp_gate", 1)]
        assert {m.module for m in anatomy.missing} == {"model.layers.1.mlp"}
        assert anatomy.absent["mlp_output"] == anatomy.absent["mlp_gate"] == 0


class TestRefusals:
    def test_layers_in_pieces(self):
        pieces = model("xlm", emb_dim=32, n_layers=2, n_heads=4, vocab_size=320)
        with pytest.raises(UnknownAnatomyError, match=r"in pieces \(attentions, ffns\)"):
            find_sites(pieces)

    @pytest.mark.parametrize("model_type", ["vit", "siglip_vision_model", "wav2vec2"])
    def test_a_model_of_images_or_sound_alone(self, model_type):
        config = AutoConfig.for_model(model_type, **SMALL, image_size=32, patch_size=16)
        with pytest.raises(UnknownAnatomyError, match="it has no embedding of tokens"):
            token_embedding(AutoModel.from_config(config))

    @pytest.mark.parametrize(
        ("dtype", "share"), [(torch.float32, 1.0), (torch.float32, 0.02), (torch.bfloat16, 0.2)]
    )
    def test_a_decoder_that_leaks(self, dtype, share):
        """It says that it is causal; its first attention mixes in a little of every token."""

        def leak(_module, _args, out):
            return out[0] + share * out[0].mean(dim=1, keepdim=True), *out[1:]

        decoder = model("llama", **SMALL, num_key_value_heads=2).to(dtype)
        decoder.model.layers[0].self_attn.register_forward_hook(leak)
        with pytest.raises(UnknownAnatomyError, match=r"no causal decoder: a later token moved"):
            find_sites(decoder)

    def test_an_encoder_with_a_mixer_without_weights(self):
        encoder = model("fnet", AutoModelForMaskedLM, **SMALL)
        missing = find_sites(encoder).missing
        assert [(m.role, m.layer) for m in missing] == [("attention_output", n) for n in (0, 1)]
        assert "no token mixer was found" in missing[0].reason

    def test_an_encoder_whose_attention_does_nothing(self):
        encoder = model("bert", AutoModelForMaskedLM, **SMALL)
        for layer in encoder.bert.encoder.layer:
            layer.attention.self.register_forward_hook(lambda _m, _a, out: (out[0] * 0, *out[1:]))
        with pytest.raises(UnknownAnatomyError, match="no token was seen to reach an earlier one"):
            find_sites(encoder)

    def test_an_encoder_with_a_decoder(self):
        with pytest.raises(UnknownAnatomyError, match="is an encoder-decoder"):
            find_sites(model("t5", AutoModelForSeq2SeqLM, **T5))


@pytest.mark.parametrize(
    ("model_type", "config", "architecture", "active"),
    [
        ("mixtral", {"num_key_value_heads": 2, "num_local_experts": 4}, "moe", "fewer"),
        ("dbrx", DBRX, "moe", "unknown"),
        ("llama", {"num_key_value_heads": 2}, "dense", "all"),
    ],
)
def test_active_parameters_follow_from_the_routing_seen(
    model_type, config, architecture, active, tmp_path
):
    partial = model_type == "dbrx"  # its gates cannot be seen
    decoder = model(model_type, **(SMALL | config))
    facts = measured(decoder, tmp_path, allow_partial=partial)["model"]
    total, used = facts["num_parameters"], facts["num_active_parameters"]
    assert facts["architecture"] == architecture
    assert (used is None, used == total) == (active == "unknown", active == "all")
    if active == "fewer":
        idle = (
            2 * SMALL["num_hidden_layers"] * 3 * SMALL["hidden_size"] * SMALL["intermediate_size"]
        )
        assert used == total - idle  # two of four experts, gate, up and down


def saved(decoder, folder):
    decoder.save_pretrained(folder / "model")
    tiny.tokenizer(bos=False).save_pretrained(folder / "model")
    (folder / "one.jsonl").write_text(json.dumps({"text": "the river, 12 = 3.5 light"}) + "\n")


def encoded(folder):
    text = json.loads((folder / "one.jsonl").read_text())["text"]
    return torch.tensor([tiny.tokenizer(bos=False)(text)["input_ids"]])


def measured(decoder, folder, *, allow_partial=False):
    saved(decoder, folder)
    # As the pass that it is compared with: where threads cut a tensor decides bits.
    options = Options(
        corpus=str(folder / "one.jsonl"),
        device="cpu",
        dtype="float32",
        cpu_threads=torch.get_num_threads(),
        allow_partial=allow_partial,
    )
    return measure(folder / "model", options)


def test_a_router_that_chooses_no_expert_is_refused_before_the_run():
    model = tiny.random_model("qwen3_moe", seed=1, changes={"num_experts_per_tok": 0})
    with pytest.raises(
        UnknownAnatomyError, match=r"reaches an expert of model\.layers\.1: .* 0 for"
    ):
        find_sites(model)
