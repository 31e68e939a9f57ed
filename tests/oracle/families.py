"""The families under test: a tiny configuration each, and where every role lives, by hand.

A watch names the module whose output is the tensor; the module of a gate is the projection that
makes it (`half` of its channels where gate and up are fused), or the routed experts themselves.
"""

from dataclasses import dataclass

HIDDEN, VOCABULARY = 32, 320
BASE = {
    "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "num_hidden_layers": 3,
    "num_attention_heads": 4, "max_position_embeddings": 256,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
GROUPED = {"num_key_value_heads": 2, "head_dim": 8}
DENSE = BASE | GROUPED | {"intermediate_size": 56}
LINEAR = {
    "linear_conv_kernel_dim": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 8,
    "linear_num_key_heads": 2, "linear_num_value_heads": 4,
}  # fmt: skip
HYBRID = {"layer_types": ["linear_attention", "full_attention", "linear_attention"]}
SLIDING = {
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    "sliding_window": 8,
}
MOE = {"moe_intermediate_size": 24, "num_experts": 6, "num_experts_per_tok": 2}
SHARED = {"shared_expert_intermediate_size": 40}
MLA = {
    "kv_lora_rank": 16, "q_lora_rank": 24, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8,
    "v_head_dim": 16, "num_key_value_heads": 4, "n_routed_experts": 6, "num_experts_per_tok": 2,
    "n_group": 2, "topk_group": 1, "moe_intermediate_size": 24, "intermediate_size": 56,
    "n_shared_experts": 1, "first_k_dense_replace": 1,
}  # fmt: skip
ROPE = {"rope_type": "default", "rope_theta": 1e4}
QWEN_VISION = {
    "depth": 1, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2,
    "out_hidden_size": HIDDEN, "patch_size": 14,
}  # fmt: skip
SIGLIP = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2,
    "image_size": 28, "patch_size": 14,
}  # fmt: skip
QWEN_IMAGE_IDS = {
    "image_token_id": 310, "video_token_id": 311,
    "vision_start_token_id": 312, "vision_end_token_id": 313,
}  # fmt: skip


@dataclass(frozen=True)
class Watch:
    """One tensor: its place in a report, and where the oracle gets it."""

    role: str
    layer: int | None
    part: str | None
    module: str
    how: str = "output"  # or "half", "experts"

    @property
    def key(self):
        return self.role, self.layer, self.part


@dataclass(frozen=True)
class Family:
    """A tiny configuration and the names of its layers' parts."""

    model_type: str
    config: dict
    layer: tuple  # per layer: a mapping role -> ((part, module, how), ...)
    decoder: str = "model"
    vision: bool = False
    norm: str | None = "norm"
    embedding: str = "embed_tokens"
    layers: str = "layers"
    auto: str = "AutoModelForCausalLM"
    bidirectional: bool = False

    @property
    def watches(self):
        """Every expected site, in the order of a report."""
        found = [Watch("embedding", None, None, self._named(self.embedding))]
        for index, roles in enumerate(self.layer):
            name = self._named(f"{self.layers}.{index}")
            found.append(Watch("hidden_state", index, None, name))
            for role, places in roles.items():
                found += [Watch(role, index, p, f"{name}.{m}", how) for p, m, how in places]
        if self.norm is not None:
            found.append(Watch("final_norm", None, None, self._named(self.norm)))
        return found

    @property
    def layers_name(self):
        """The full name of the list of layers."""
        return self._named(self.layers)

    def _named(self, module):
        return f"{self.decoder}.{module}" if self.decoder else module

    @property
    def routed(self):
        """Layer -> (router, experts), for layers that route tokens."""
        return {
            watch.layer: (self._of("router_logits", watch.layer), watch.module)
            for watch in self.watches
            if watch.how == "experts"
        }

    def _of(self, role, layer):
        return next(w.module for w in self.watches if (w.role, w.layer) == (role, layer))


def _plain(mixer="self_attn", block="mlp", gate="gate_proj", how="output"):
    return {
        "attention_output": ((None, mixer, "output"),),
        "mlp_output": ((None, block, "output"),),
        "mlp_gate": ((None, f"{block}.{gate}", how),),
    }


def _moe(mixer="self_attn", shared=None, router="gate"):
    experts = ("mlp.experts", "mlp.experts", "experts")
    if shared is None:
        gates = ((None, *experts[1:]),)
    else:
        gates = (experts, (f"mlp.{shared}", f"mlp.{shared}.gate_proj", "output"))
    return {
        "attention_output": ((None, mixer, "output"),),
        "mlp_output": ((None, "mlp", "output"),),
        "mlp_gate": gates,
        "router_logits": ((None, f"mlp.{router}", "output"),),
    }


def _split(mixer, block):
    return {
        "attention_output": ((None, mixer, "output"),),
        "mlp_output": ((None, block, "output"),),
    }


LIN, ATT = "linear_attn", "self_attn"
HYBRID_DENSE = (_plain(LIN), _plain(ATT), _plain(LIN))
HYBRID_MOE = tuple(_moe(mixer, "shared_expert") for mixer in (LIN, ATT, LIN))
LANGUAGE = "model.language_model"

FAMILIES = {
    "qwen2": Family("qwen2", BASE | {"num_key_value_heads": 2, "intermediate_size": 56},
                    (_plain(),) * 3),
    "qwen3": Family("qwen3", DENSE, (_plain(),) * 3),
    "llama": Family("llama", DENSE, (_plain(),) * 3),
    "mistral": Family("mistral", DENSE | {"sliding_window": 8}, (_plain(),) * 3),
    "gemma": Family("gemma", DENSE, (_plain(),) * 3),
    "gemma2": Family("gemma2", DENSE | SLIDING, (_plain(),) * 3),
    "gemma3_text": Family("gemma3_text", DENSE | SLIDING, (_plain(),) * 3),
    "phi3": Family("phi3", BASE | {"num_key_value_heads": 2, "intermediate_size": 56,
                                   "original_max_position_embeddings": 256},
                   (_plain(gate="gate_up_proj", how="half"),) * 3),
    "qwen3_moe": Family("qwen3_moe", DENSE | MOE | {"mlp_only_layers": [0]},
                        (_plain(), _moe(), _moe())),
    "mixtral": Family("mixtral", DENSE | {"num_local_experts": 6, "num_experts_per_tok": 2},
                      (_moe(),) * 3),
    "gpt_oss": Family("gpt_oss", DENSE | SLIDING | {"num_local_experts": 6,
                                                    "num_experts_per_tok": 2,
                                                    "rope_parameters": ROPE},
                      (_moe(router="router"),) * 3),
    "deepseek_v3": Family("deepseek_v3", BASE | MLA,
                          (_plain(), _moe(shared="shared_experts"), _moe(shared="shared_experts"))),
    "qwen3_next": Family("qwen3_next", DENSE | LINEAR | HYBRID | MOE | SHARED, HYBRID_MOE),
    "qwen3_5_text": Family("qwen3_5_text", DENSE | LINEAR | HYBRID, HYBRID_DENSE),
    "qwen3_5_moe_text": Family("qwen3_5_moe_text", DENSE | LINEAR | HYBRID | MOE | SHARED,
                               HYBRID_MOE),
    "lfm2": Family("lfm2", DENSE | {"layer_types": ["conv", "full_attention", "conv"],
                                    "block_auto_adjust_ff_dim": False},
                   tuple(_plain(m, "feed_forward", "w1") for m in ("conv", "self_attn", "conv")),
                   norm="embedding_norm"),
    "qwen2_5_vl": Family("qwen2_5_vl", QWEN_IMAGE_IDS | {
        "text_config": BASE | {"num_key_value_heads": 2, "intermediate_size": 56, "rope_parameters":
                               ROPE | {"mrope_section": [1, 1, 2]}},
        "vision_config": QWEN_VISION | {"fullatt_block_indexes": [0]}},
        (_plain(),) * 3, LANGUAGE, vision=True),
    "qwen3_5": Family("qwen3_5", QWEN_IMAGE_IDS | {
        "text_config": DENSE | LINEAR | HYBRID, "vision_config": QWEN_VISION},
        HYBRID_DENSE, LANGUAGE, vision=True),
    "qwen3_5_moe": Family("qwen3_5_moe", QWEN_IMAGE_IDS | {
        "text_config": DENSE | LINEAR | HYBRID | MOE | SHARED, "vision_config": QWEN_VISION},
        HYBRID_MOE, LANGUAGE, vision=True),
    "gemma3": Family("gemma3", {
        "text_config": DENSE | SLIDING, "vision_config": SIGLIP, "mm_tokens_per_image": 4,
        "image_token_index": 310, "boi_token_index": 311, "eoi_token_index": 312},
        (_plain(),) * 3, LANGUAGE, vision=True),
    "qwen3_classifier": Family("qwen3", DENSE, (_plain(),) * 3,
                               auto="AutoModelForSequenceClassification"),
    "qwen3_embedding": Family("qwen3", DENSE, (_plain(),) * 3, decoder="", auto="AutoModel"),
    "bert": Family("bert", DENSE, (_split("attention.output.dense", "output.dense"),) * 3, "bert",
                   norm=None, embedding="embeddings.word_embeddings", layers="encoder.layer",
                   auto="AutoModelForMaskedLM", bidirectional=True),
    "distilbert": Family("distilbert", DENSE | {"dim": HIDDEN, "n_layers": 3, "n_heads": 4,
                                                "hidden_dim": 56},
                         (_split("attention", "ffn"),) * 3, "", norm=None, auto="AutoModel",
                         embedding="embeddings.word_embeddings", layers="transformer.layer",
                         bidirectional=True),
    "modernbert": Family("modernbert", DENSE | {"global_attn_every_n_layers": 2,
                                                "local_attention": 8},
                         (_plain("attn", "mlp", "Wi", "half"),) * 3, norm="final_norm",
                         embedding="embeddings.tok_embeddings", auto="AutoModelForMaskedLM",
                         bidirectional=True),
}  # fmt: skip
"""Decoders by model type, a classifier and an embedding model on one of them, and encoders."""
