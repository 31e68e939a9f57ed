"""What llama.cpp calls the linear maps that transformers names, as its own converter does.

A name hangs on what stands behind the layer's number alone. The models are those whose converter
keeps the order of a weight's columns, which an importance goes by.
"""

import re

from hubmaxact.engine_files.request import NotExportableError
from hubmaxact.printable import printable

ARCHITECTURES = {
    "arcee": "arcee",
    "bloom": "bloom",
    "cohere": "command-r",
    "cohere2": "cohere2",
    "exaone4": "exaone4",
    "falcon": "falcon",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3": "gemma3",
    "gemma3_text": "gemma3",
    "glm4": "glm4",
    "gpt2": "gpt2",
    "gpt_neox": "gptneox",
    "granite": "granite",
    "llama": "llama",
    "mistral": "llama",
    "mixtral": "llama",
    "nemotron": "nemotron",
    "olmo2": "olmo2",
    "olmoe": "olmoe",
    "phi": "phi2",
    "phi3": "phi3",
    "qwen2": "qwen2",
    "qwen2_moe": "qwen2moe",
    "qwen3": "qwen3",
    "qwen3_moe": "qwen3moe",
    "smollm3": "smollm3",
    "stablelm": "stablelm",
    "starcoder2": "starcoder2",
}
"""transformers' `model_type` -> llama.cpp's architecture."""

MAPS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.qkv_proj": "attn_qkv",
    "self_attn.o_proj": "attn_output",
    "self_attn.dense": "attn_output",
    "self_attention.query_key_value": "attn_qkv",
    "self_attention.dense": "attn_output",
    "attention.query_key_value": "attn_qkv",
    "attention.dense": "attn_output",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.gate_up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "mlp.fc1": "ffn_up",
    "mlp.fc2": "ffn_down",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
    "mlp.dense_h_to_4h": "ffn_up",
    "mlp.dense_4h_to_h": "ffn_down",
    "mlp.gate": "ffn_gate_inp",
    "mlp.experts.gate_proj": "ffn_gate_exps",
    "mlp.experts.up_proj": "ffn_up_exps",
    "mlp.experts.down_proj": "ffn_down_exps",
    "mlp.shared_expert.gate_proj": "ffn_gate_shexp",
    "mlp.shared_expert.up_proj": "ffn_up_shexp",
    "mlp.shared_expert.down_proj": "ffn_down_shexp",
    "mlp.shared_expert_gate": "ffn_gate_inp_shexp",
}
"""What stands behind the layer's number -> what stands behind the block's."""

MODULE = re.compile(r"(?:\w+\.)*?(?P<layer>\d{1,6})\.(?P<rest>.+)")


def gguf_name(module: str) -> str:
    """Return what a linear map's weight is called in a GGUF file.

    Args:
        module: Full dotted name of the map.

    Returns:
        A name such as `blk.0.attn_q.weight`.

    Raises:
        NotExportableError: It is none that is known.
    """
    match = MODULE.fullmatch(module)
    if match is None or match["rest"] not in MAPS:
        raise NotExportableError(
            f"what llama.cpp calls {printable(module, 300)} is not known. Let llama-imatrix "
            "measure this model."
        )
    return f"blk.{int(match['layer'])}.{MAPS[match['rest']]}.weight"


def refuse_unknown(model_type: str) -> None:
    """Refuse a model whose conversion is not known.

    Args:
        model_type: As transformers calls it.

    Raises:
        NotExportableError: How its weights are named or ordered in GGUF is not known.
    """
    if model_type not in ARCHITECTURES:
        raise NotExportableError(
            f"how llama.cpp names and orders the weights of {printable(model_type)} is not known "
            f"here, only of {', '.join(ARCHITECTURES)}. Let llama-imatrix measure this model."
        )
