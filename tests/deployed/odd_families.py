"""Families that multiply by weights in ways of their own; each is named in one test or two."""

import warnings

import torch
from oracle.families import MLA
from transformers import AutoConfig, AutoModelForCausalLM

from deployed.families import BASE, GROUPED

CONFIGS = {
    "mamba": {"vocab_size": 320, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8,
              "time_step_rank": 4},
    "jamba": GROUPED | {"attn_layer_period": 2, "attn_layer_offset": 1, "mamba_d_state": 8,
                        "mamba_dt_rank": 4, "use_mamba_kernels": False, "num_experts": 1},
    "longcat_flash": BASE | MLA | {"head_dim": 8,
        "num_layers": 2, "n_routed_experts": 4, "moe_topk": 2, "zero_expert_num": 2,
        "expert_ffn_hidden_size": 24, "ffn_hidden_size": 48},
    "jetmoe": {k: v for k, v in BASE.items() if k != "num_attention_heads"} | {
        "num_key_value_heads": 2, "kv_channels": 8, "num_local_experts": 4,
        "num_experts_per_tok": 2},
    "llama4_text": GROUPED | {
        "intermediate_size": 24, "intermediate_size_mlp": 48, "num_local_experts": 4,
        "num_experts_per_tok": 1, "moe_layers": [1], "attention_chunk_size": 8,
        "no_rope_layers": [1, 0], "layer_types": ["chunked_attention", "full_attention"]},
    "dbrx": {
        "vocab_size": 320, "d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 64,
        "attn_config": {"kv_n_heads": 2, "clip_qkv": 8.0, "rope_theta": 1e4},
        "ffn_config": {"ffn_hidden_size": 24, "moe_num_experts": 4, "moe_top_k": 2,
                       "hidden_size": 32}},
    "zaya": GROUPED | {
        "layer_types": ["hybrid"] * 2, "router_hidden_size": 16, "sliding_window": None,
        "num_experts": 4, "num_experts_per_tok": 1, "moe_intermediate_size": 24},
    "zamba2": BASE | {
        "num_hidden_layers": 4, "layers_block_type": ["mamba", "hybrid"] * 2,
        "num_mem_blocks": 1, "use_shared_attention_adapter": True, "adapter_rank": 8,
        "num_key_value_heads": 4, "n_mamba_heads": 4, "mamba_d_state": 8, "mamba_headdim": 16,
        "mamba_ngroups": 1, "chunk_size": 16},
    "minimax": GROUPED | {
        "layer_types": ["linear_attention", "full_attention"], "block_size": 8,
        "num_local_experts": 4, "num_experts_per_tok": 2},
    "gpt_neox_japanese": BASE,
    "inkling_text": GROUPED,
}  # fmt: skip


def build(name, dtype=torch.bfloat16, **given):
    """A model of the family whose weights are large enough for activations to differ."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(7)
        config = AutoConfig.for_model(name, **CONFIGS[name])
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, **given).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() >= 2:
                    parameter.normal_(0.0, 0.3)
                else:
                    parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return model if dtype == torch.float32 else model.to(dtype)
