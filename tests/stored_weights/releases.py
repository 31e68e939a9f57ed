"""Declarations as releases have them, and the headers of one of their modules."""

from typing import NamedTuple

from hubmaxact.stored_weights.storage import RoundedInput


class Tensor(NamedTuple):
    """What a header says of a tensor."""

    dtype: str
    shape: tuple[int, ...]


class Release(NamedTuple):
    """A declaration, the tensors of module "m", and what they should be found to be."""

    said: dict
    tensors: dict[str, Tensor]
    storage: str
    shape: tuple[int, ...]
    inputs: RoundedInput | None = None
    name: str = "m.weight"
    num_weights: int | None = None


def compressed(form, weights, inputs=None, **more):
    group = {"weights": weights, "input_activations": inputs, "targets": ["Linear"]}
    groups = {"group_0": group}
    said = {"quant_method": "compressed-tensors", "format": form, "config_groups": groups}
    return {**said, "ignore": ["lm_head"], "sparsity_config": {}, **more}


def rounded(name, granularity, stored=None):
    return RoundedInput(format=name, granularity=granularity, stored=stored)


E4M3 = "float8_e4m3fn"
FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
STATIC = {"quant_method": "fp8", "activation_scheme": "static"}
V4 = {**FP8, "scale_fmt": "ue8m0", "expert_dtype": "fp4"}
TOKEN = {"num_bits": 8, "dynamic": True, "strategy": "token"}
GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": True, "sym": True}
AWQ = {"quant_method": "awq", "bits": 4, "group_size": 64, "version": "gemm", "zero_point": True}
MODELOPT = {"quant_method": "modelopt", "quant_algo": "FP8"}

CHANNEL = {"num_bits": 8, "type": "float", "strategy": "channel"}
BLOCK = {"num_bits": 8, "type": "float", "strategy": "block", "block_structure": [128, 128]}
GROUP = {"num_bits": 8, "type": "float", "group_size": 128, "dynamic": True, "strategy": "group"}
W4 = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128}
FP4 = {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16}
MX = {"num_bits": 8, "type": "float", "strategy": "group", "group_size": 32}

F8, F32, BF16 = "F8_E4M3", "F32", "BF16"

RELEASES = {
    "DeepSeek-V3: the last block of rows is cut": Release(
        FP8,
        {"weight": Tensor(F8, (576, 7168)), "weight_scale_inv": Tensor(F32, (5, 56))},
        "fp8", (576, 7168), rounded(E4M3, "block_128"),
    ),
    "DeepSeek-V4's experts": Release(
        V4,
        {"weight": Tensor("I8", (64, 128)), "scale": Tensor("F8_E8M0", (64, 8))},
        "fp8", (64, 256), rounded("mxfp8", "block_128"),
    ),
    "DeepSeek-V4's other maps": Release(
        V4,
        {"weight": Tensor(F8, (256, 256)), "qscale_weight": Tensor("F8_E8M0", (2, 2))},
        "fp8", (256, 256), rounded("mxfp8", "block_128"),
    ),
    "FP8 of transformers with one scale": Release(
        {**STATIC, "weight_block_size": None},
        {"weight": Tensor(F8, (96, 64)), "weight_scale_inv": Tensor(BF16, ())},
        "fp8", (96, 64), rounded(E4M3, "per_tensor", "activation_scale"),
    ),
    "FP8 as vLLM's first tool wrote it": Release(
        STATIC,
        {"weight": Tensor(F8, (96, 64)), "weight_scale": Tensor(F32, (1,))},
        "scaled", (96, 64), rounded(E4M3, "per_tensor", "input_scale"),
    ),
    "MXFP8": Release(
        {"quant_method": "mxfp8", "weight_block_size": [1, 32]},
        {"weight": Tensor(F8, (96, 80)), "weight_scale_inv": Tensor("U8", (96, 3))},
        "fp8", (96, 80), rounded("mxfp8", "block_32"),
    ),
    "FBGEMM": Release(
        {"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0},
        {"weight": Tensor(F8, (96, 64)), "weight_scale": Tensor(F32, (96, 1))},
        "scaled", (96, 64), rounded(E4M3, "per_token", "input_scale_ub"),
    ),
    "W8A8": Release(
        compressed("int-quantized", {"num_bits": 8, "type": "int", "strategy": "channel"}, TOKEN),
        {"weight": Tensor("I8", (96, 64)), "weight_scale": Tensor(BF16, (96, 1)),
         "weight_zero_point": Tensor("I8", (96, 1))},
        "scaled", (96, 64), rounded("int8", "per_token"),
    ),
    "W8A8 with inputs that are not symmetric": Release(
        compressed("int-quantized", {"num_bits": 8, "type": "int", "strategy": "channel"},
                   {**TOKEN, "symmetric": False}),
        {"weight": Tensor("I8", (96, 64)), "weight_scale": Tensor(BF16, (96, 1))},
        "scaled", (96, 64), rounded("int8_asymmetric", "per_token"),
    ),
    "FP8 by rows": Release(
        compressed("float-quantized", CHANNEL, {**TOKEN, "type": "float"}),
        {"weight": Tensor(F8, (96, 64)), "weight_scale": Tensor(BF16, (96, 1))},
        "scaled", (96, 64), rounded(E4M3, "per_token"),
    ),
    "FP8 by tensors": Release(
        compressed("float-quantized", {**CHANNEL, "strategy": "tensor"},
                   {"num_bits": 8, "type": "float", "strategy": "tensor", "dynamic": False}),
        {"weight": Tensor(F8, (96, 64)), "weight_scale": Tensor(BF16, (1,))},
        "scaled", (96, 64), rounded(E4M3, "per_tensor", "input_scale"),
    ),
    "FP8 by blocks": Release(
        compressed("float-quantized", BLOCK, GROUP),
        {"weight": Tensor(F8, (200, 300)), "weight_scale": Tensor(BF16, (2, 3))},
        "scaled", (200, 300), rounded(E4M3, "block_128"),
    ),
    "MXFP8 of compressed-tensors": Release(
        compressed("mxfp8-quantized", MX, {**MX, "dynamic": True}),
        {"weight": Tensor(F8, (96, 64)), "weight_scale": Tensor("U8", (96, 2))},
        "scaled", (96, 64), rounded("mxfp8", "block_32"),
    ),
    "W4A16": Release(
        compressed("pack-quantized", W4),
        {"weight_packed": Tensor("I32", (96, 32)), "weight_scale": Tensor(BF16, (96, 2)),
         "weight_shape": Tensor("I64", (2,)), "weight_zero_point": Tensor("I32", (12, 2))},
        "packed_int", (96, 256),
    ),
    "three bits, in order of activations": Release(
        compressed("pack-quantized", {**W4, "num_bits": 3, "actorder": "group"}),
        {"weight_packed": Tensor("I32", (96, 24)), "weight_scale": Tensor(BF16, (96, 2)),
         "weight_shape": Tensor("I64", (2,)), "weight_g_idx": Tensor("I32", (250,))},
        "packed_int", (96, 250),
    ),
    "NVFP4": Release(
        compressed("nvfp4-pack-quantized", FP4, {**FP4, "dynamic": "local"}),
        {"weight_packed": Tensor("U8", (96, 32)), "weight_scale": Tensor(F8, (96, 4)),
         "weight_global_scale": Tensor(F32, (1,))},
        "nvfp4_divisor", (96, 64), rounded("nvfp4", "block_16", "input_global_scale"),
    ),
    "MXFP4": Release(
        compressed("mxfp4-pack-quantized", {**MX, "num_bits": 4}),
        {"weight_packed": Tensor("U8", (96, 32)), "weight_scale": Tensor("U8", (96, 2))},
        "mxfp4", (96, 64),
    ),
    "Model-Optimizer's FP8": Release(
        MODELOPT,
        {"weight": Tensor(F8, (96, 64)), "weight_scale": Tensor(F32, ())},
        "scaled", (96, 64), rounded(E4M3, "per_tensor", "input_scale"),
    ),
    "Model-Optimizer's NVFP4": Release(
        {**MODELOPT, "quant_algo": "NVFP4", "group_size": 16},
        {"weight": Tensor("U8", (96, 32)), "weight_scale": Tensor(F8, (96, 4)),
         "weight_scale_2": Tensor(F32, ())},
        "nvfp4_factor", (96, 64), rounded("nvfp4", "block_16", "input_scale"),
    ),
    "GPTQ": Release(
        GPTQ,
        {"qweight": Tensor("I32", (32, 96)), "qzeros": Tensor("I32", (2, 12)),
         "scales": Tensor("F16", (2, 96)), "g_idx": Tensor("I32", (256,))},
        "gptq", (96, 256),
    ),
    "GPTQ of three bits, one group": Release(
        {**GPTQ, "bits": 3, "group_size": -1, "checkpoint_format": "gptq_v2"},
        {"qweight": Tensor("I32", (24, 96)), "qzeros": Tensor("I32", (1, 9)),
         "scales": Tensor("F16", (1, 96))},
        "gptq", (96, 256),
    ),
    "AWQ": Release(
        AWQ,
        {"qweight": Tensor("I32", (256, 12)), "qzeros": Tensor("I32", (4, 12)),
         "scales": Tensor("F16", (4, 96))},
        "awq", (96, 256),
    ),
    "NF4": Release(
        {"quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": False},
        {"weight": Tensor("U8", (3072, 1)), "weight.absmax": Tensor("U8", (96,)),
         "weight.quant_map": Tensor(F32, (16,)),
         "weight.nested_absmax": Tensor(F32, (1,)), "weight.nested_quant_map": Tensor(F32, (256,)),
         "weight.quant_state.bitsandbytes__nf4": Tensor("U8", (120,))},
        "bitsandbytes_4bit", (), num_weights=6144,
    ),
    "LLM.int8": Release(
        {"quant_method": "bitsandbytes", "load_in_8bit": True},
        {"weight": Tensor("I8", (96, 64)), "SCB": Tensor(F32, (96,)),
         "weight_format": Tensor("U8", ())},
        "bitsandbytes_8bit", (96, 64), rounded("llm_int8", "per_token"),
    ),
    "gpt-oss": Release(
        {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]},
        {"down_proj_blocks": Tensor("U8", (8, 96, 2, 16)),
         "down_proj_scales": Tensor("U8", (8, 96, 2))},
        "mxfp4_experts", (8, 64, 96), name="m.down_proj",
    ),
}  # fmt: skip
"""One of each way of storing, and of each way of declaring it."""


def headers(release: Release) -> dict[str, Tensor]:
    """What the release's file declares: the module's tensors, and plain ones beside them."""
    plain = {"norm.weight": Tensor(BF16, (96,)), "m.bias": Tensor(BF16, (96,))}
    return {**plain, **{f"m.{suffix}": tensor for suffix, tensor in release.tensors.items()}}
