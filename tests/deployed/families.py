"""Tiny models of many families, and by hand what each of their layers adds to the stream.

A half of a layer names modules whose outputs are added, each times a factor, and the sum times
another; `mid` is the module that reads the stream between the halves, None where nothing does.
"""

import warnings
from dataclasses import dataclass

import pytest
import torch
from oracle import tiny
from oracle.families import FAMILIES as COMMON
from transformers import AutoConfig, AutoModelForCausalLM

BASE = {
    "vocab_size": 320, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 56, "max_position_embeddings": 64, "pad_token_id": 0, "bos_token_id": 1,
    "eos_token_id": 2,
}  # fmt: skip
GROUPED = BASE | {"num_key_value_heads": 2, "head_dim": 8}
GPT = {"vocab_size": 320, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
MAMBA = {"mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 8, "mamba_chunk_size": 16}
NEMOTRON = {
    "layers_block_type": ["linear_attention", "moe", "full_attention", "mlp"], "ssm_state_size": 8,
    "mamba_num_heads": 4, "mamba_head_dim": 16, "n_groups": 2, "chunk_size": 16,
    "moe_shared_expert_intermediate_size": 48, "moe_intermediate_size": 24, "n_routed_experts": 4,
    "num_experts_per_tok": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """What one layer adds: (module, factor) for each summand."""

    attention: tuple = (("self_attn", 1.0),)
    mlp: tuple = (("mlp", 1.0),)
    mid: str | None = "post_attention_layernorm"
    mlp_factor: float = 1.0


@dataclass(frozen=True)
class Family:
    """A tiny configuration; `layers` of one element stands for every layer."""

    model_type: str
    config: dict
    layers: tuple = (Layer(),)
    layers_name: str = "model.layers"
    num_kv_heads: int = 2
    cached_layers: tuple | None = None  # None: every layer fills the cache
    is_latent: bool = False
    sees_queries: bool = True
    is_eager: bool = False  # by default, through the interface
    pairs: tuple = ("halves", 8)  # of keys, or of rotary keys
    auto: type = AutoModelForCausalLM
    owner: str | None = None  # called with token ids; None: the module that has the layers
    bidirectional: bool = False

    def layer(self, index):
        """What the layer at this index adds."""
        return self.layers[index % len(self.layers)]


def common(name, **facts):
    """A family of the main job's, with a window in which transformers' cache keeps every token."""
    family = COMMON[name]
    return Family(
        family.model_type,
        _widened(family.config),
        layers_name=family.layers_name,
        auto=tiny.auto_class(family),
        owner=family.decoder,
        bidirectional=family.bidirectional,
        **facts,
    )


def _widened(config):
    wide = {"sliding_window": 64} if "sliding_window" in config else {}
    return {k: _widened(v) if isinstance(v, dict) else v for k, v in config.items()} | wide


def one(attention, mlp, mid="post_attention_layernorm", factor=1.0):
    """Every layer alike: one mixer's module and one block's."""
    return (Layer(((attention, factor),), ((mlp, factor),), mid),)


SANDWICH = one(
    "post_attention_layernorm", "post_feedforward_layernorm", "pre_feedforward_layernorm"
)
SHARED = (("block_sparse_moe", 1.0), ("shared_mlp", 1.0))
LIN, ATT = one("linear_attn", "mlp")[0], Layer()
HYBRID = {"layers": (LIN, ATT, LIN), "cached_layers": (1,), "pairs": ("halves", 2)}
CONV, HEARD = (one(mixer, "feed_forward", "ffn_norm")[0] for mixer in ("conv", "self_attn"))
NO_UPDATES = (Layer((), (), None),)  # norms after the sums
UNCACHED = {"cached_layers": (), "sees_queries": False}

FAMILIES = {
    "qwen3": common("qwen3"),
    "qwen3_moe": common("qwen3_moe"),
    "gpt_oss": common("gpt_oss", is_eager=True),
    "gemma2": common("gemma2", layers=SANDWICH, is_eager=True),
    "gemma3_text": common("gemma3_text", layers=SANDWICH),
    "deepseek_v3": common("deepseek_v3", num_kv_heads=1, is_latent=True),
    "qwen3_next": common("qwen3_next", **HYBRID),
    **{name: common(name) for name in (
        "qwen2", "llama", "mistral", "gemma", "phi3", "mixtral", "qwen2_5_vl", "qwen3_classifier",
        "qwen3_embedding")},
    **{name: common(name, **HYBRID) for name in (
        "qwen3_5_text", "qwen3_5_moe_text", "qwen3_5", "qwen3_5_moe")},
    "gemma3": common("gemma3", layers=SANDWICH),
    "lfm2": common("lfm2", layers=(CONV, HEARD, CONV), cached_layers=(1,)),
    "bert": common("bert", layers=NO_UPDATES, **UNCACHED),
    "distilbert": common("distilbert", layers=NO_UPDATES, **UNCACHED),
    "modernbert": common("modernbert", layers=one("attn", "mlp", "mlp_norm"), **UNCACHED),
    "olmo2": Family("olmo2", GROUPED, one("post_attention_layernorm", "post_feedforward_layernorm",
                                         "mlp")),
    "granite": Family("granite", GROUPED | {"residual_multiplier": 0.22},
                      one("self_attn", "mlp", factor=0.22)),
    "gptj": Family("gptj", GPT | {"rotary_dim": 4}, one("attn", "mlp", None), "transformer.h", 4,
                   sees_queries=False, pairs=("neighbours", 8)),
    "gpt_neox": Family("gpt_neox", BASE, one("attention", "mlp", None), "gpt_neox.layers", 4,
                       pairs=("halves", 2)),
    "falcon": Family("falcon", BASE | {"new_decoder_architecture": False, "parallel_attn": True,
                                       "multi_query": True, "bias": False, "alibi": False},
                     one("self_attention", "mlp", None), "transformer.h", 1, sees_queries=False),
    "cohere": Family("cohere", GROUPED, one("self_attn", "mlp", None), pairs=("neighbours", 8)),
    "bloom": Family("bloom", GPT, one("self_attention.dense", "mlp.dense_4h_to_h"),
                    "transformer.h", 4, sees_queries=False, pairs=("none", 0)),
    "opt": Family("opt", BASE | {"ffn_dim": 56, "word_embed_proj_dim": 32},
                  one("self_attn", "fc2", "final_layer_norm"), "model.decoder.layers", 4,
                  pairs=("none", 0)),
    "gpt2": Family("gpt2", GPT, one("attn", "mlp", "ln_2"), "transformer.h", 4,
                   pairs=("none", 0)),
    "granitemoehybrid": Family(
        "granitemoehybrid", GROUPED | MAMBA | {
            "intermediate_size": 24, "shared_intermediate_size": 48, "residual_multiplier": 0.22,
            "num_local_experts": 4, "num_experts_per_tok": 2,
            "layer_types": ["linear_attention", "full_attention"]},
        (Layer((("mamba", 0.22),), SHARED, mlp_factor=0.22),
         Layer((("self_attn", 0.22),), SHARED, mlp_factor=0.22)), cached_layers=(1,),
        pairs=("none", 0)),
    "falcon_h1": Family("falcon_h1", GROUPED | MAMBA | {
                            "mamba_d_ssm": 64, "ssm_out_multiplier": 0.5,
                            "attention_out_multiplier": 0.7},
                        (Layer((("mamba", 0.5), ("self_attn", 0.7)), (("feed_forward", 1.0),),
                               "pre_ff_layernorm"),)),
    "nemotron_h": Family("nemotron_h", {k: v for k, v in GROUPED.items() if "layers" not in k}
                         | NEMOTRON,
                         (Layer((("mixer", 1.0),), (), None), Layer((), (("mixer", 1.0),), None)),
                         cached_layers=(2,), pairs=("none", 0)),
}  # fmt: skip

"""All of the main job's, and others."""

BY_NIGHT = {
    "qwen2", "llama", "mistral", "gemma", "qwen3_5_text", "qwen3_5_moe_text", "lfm2", "qwen3_5",
    "qwen3_5_moe", "gemma3", "qwen3_classifier", "qwen3_embedding", "bert", "distilbert", "mixtral",
    "gemma3_text", "qwen2_5_vl", "olmo2", "granite", "gpt_neox", "cohere", "bloom", "opt",
    "granitemoehybrid",
}  # fmt: skip
"""Alike to others of the day."""

MEASURED = [
    pytest.param(name, marks=pytest.mark.nightly) if name in BY_NIGHT else name for name in FAMILIES
]


def build(name, dtype=torch.bfloat16, **given):
    """A model of the family whose weights are large enough for activations to differ."""
    family = FAMILIES[name]
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(7)
        config = AutoConfig.for_model(family.model_type, **family.config)
        model = family.auto.from_config(config, dtype=torch.float32, **given).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() >= 2:
                    parameter.normal_(0.0, 0.3)
                else:
                    parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return model if dtype == torch.float32 else model.to(dtype)
