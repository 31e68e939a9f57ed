"""Formats that belong to one architecture: gpt-oss's MXFP4, and DeepSeek-V4's FP4 beside FP8.

The model is a tiny one of random weights; of the base, the tokenizer and the vocabulary are taken.
"""

import tempfile

import torch
from quantized.checkpoint import read
from quantized.codes import E2M1_LARGEST, cut, e2m1, power_of_two, spread, value_of
from quantized.fp8 import by_block
from transformers import AutoConfig, AutoModelForCausalLM

COMMON = {
    "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "head_dim": 32,
    "num_experts_per_tok": 2, "max_position_embeddings": 4096,
}  # fmt: skip
GPT_OSS = COMMON | {
    "intermediate_size": 96, "num_key_value_heads": 2, "num_local_experts": 4,
    "sliding_window": 64, "rope_parameters": {"rope_type": "default", "rope_theta": 1e4},
}  # fmt: skip
DEEPSEEK_V4 = COMMON | {
    "moe_intermediate_size": 96, "q_lora_rank": 48, "n_routed_experts": 4, "o_groups": 2,
    "o_lora_rank": 48, "index_n_heads": 2, "index_head_dim": 32, "index_topk": 4,
    "sliding_window": 64, "layer_types": ["sliding_attention", "compressed_sparse_attention"],
    "mlp_layer_types": ["hash_moe", "moe"], "qk_rope_head_dim": 16, "num_nextn_predict_layers": 0,
}  # fmt: skip


def random_model(base, model_type, facts):
    """A checkpoint of the names that releases have."""
    kept = {key: base.config.get(key) for key in ("vocab_size", "bos_token_id", "eos_token_id")}
    config = AutoConfig.for_model(model_type, **facts, **kept)
    with torch.random.fork_rng(), tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(folder)
        return read(folder)


def gpt_oss(base):
    """Fused experts (E, C, R) as blocks of 32 along C, with a power of two each."""
    plain = random_model(base, "gpt_oss", GPT_OSS)
    out = dict(plain.tensors)
    for name, weight in plain.tensors.items():
        if weight.dim() == 3:
            blocks = out.pop(name).float().transpose(1, 2).unflatten(-1, (-1, 32))
            byte = power_of_two(blocks.abs().amax(-1), E2M1_LARGEST)
            out[f"{name}_blocks"] = e2m1(blocks / value_of(byte)[..., None])
            out[f"{name}_scales"] = byte
    kept = ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens"]
    said = {"modules_to_not_convert": [*kept, "lm_head"], "quant_method": "mxfp4"}
    return plain.quantized(out, said)


def deepseek_v4(base):
    """Experts in FP4 with a power of two per 32, all else in FP8 blocks of one per 128x128."""
    plain = random_model(base, "deepseek_v4", DEEPSEEK_V4)
    maps = list(plain.maps(keep=lambda module: ".compressor." in module or ".indexer." in module))
    out = plain.kept(module for module, _ in maps)
    for module, weight in maps:
        if ".experts." in module:
            byte = power_of_two(cut(weight, 1, 32).abs().amax(-1), E2M1_LARGEST)
            codes = e2m1(weight / spread(value_of(byte), weight.shape, 1, 32)).view(torch.int8)
        else:
            codes, byte = by_block(weight, 128, 128, is_power=True)
        out[f"{module}.weight"] = codes
        out[f"{module}.scale"] = byte.view(torch.float8_e8m0fnu)
    said = {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8"}
    said |= {"scale_fmt": "ue8m0", "weight_block_size": [128, 128]}
    made = plain.quantized(out, said)
    made.config["expert_dtype"] = "fp4"
    return made


MAKERS = {"gpt-oss-mxfp4": gpt_oss, "deepseek-v4": deepseek_v4}
