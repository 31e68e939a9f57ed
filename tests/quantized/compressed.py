"""compressed-tensors as llm-compressor writes it, in all of its formats that hold dense weights."""

from functools import partial

import torch
from quantized.codes import (
    E2M1_LARGEST,
    E4M3_LARGEST,
    cut,
    e2m1,
    e4m3,
    packed,
    power_of_two,
    spread,
    value_of,
)
from quantized.fp8 import BLOCK, by_block

GROUP = 16  # releases have 32 or 128; this one divides every width of a tiny model
INPUT_SCALE = torch.tensor([0.02], dtype=torch.bfloat16)


def arguments(**changed):
    """What a group says of weights or inputs."""
    usual = {
        "actorder": None, "block_structure": None, "dynamic": False, "group_size": None,
        "num_bits": 8, "observer": "minmax", "observer_kwargs": {}, "strategy": "channel",
        "symmetric": True, "type": "int",
    }  # fmt: skip
    return {**usual, **changed}


def group(weights, inputs=None, targets=("Linear",), form=None):
    """One entry of config_groups."""
    said = {
        "input_activations": inputs, "output_activations": None, "targets": list(targets),
        "weights": weights,
    }  # fmt: skip
    return said if form is None else {"format": form, **said}


def declaration(form, *groups, ignore=()):
    """quantization_config."""
    return {
        "config_groups": {f"group_{index}": said for index, said in enumerate(groups)},
        "format": form, "global_compression_ratio": None, "ignore": ["lm_head", *ignore],
        "kv_cache_scheme": None, "quant_method": "compressed-tensors",
        "quantization_status": "compressed",
    }  # fmt: skip


TOKEN = {"dynamic": True, "strategy": "token", "observer": None}


def int_scales(cells, bits, *, is_symmetric):
    """bf16 scales and zero points (None: zero) from the extremes of cells in the last dimension."""
    half = 1 << (bits - 1)
    if is_symmetric:
        return (cells.abs().amax(-1) / (half - 0.5)).bfloat16(), None
    low, high = cells.amin(-1).clamp(max=0), cells.amax(-1).clamp(min=0)
    scale = ((high - low) / (2 * half - 1)).bfloat16()
    return scale, (-half - low / scale.float()).round().clamp(-half, half - 1)


def int_codes(weight, scale, zero, bits):
    """Signed codes; scale and zero point broadcast."""
    half = 1 << (bits - 1)
    code = (weight / scale.float()).round() + (0 if zero is None else zero)
    return code.clamp(-half, half - 1)


def w8a8(weight, *, is_symmetric=True):
    """INT8, a scale for each row."""
    scale, zero = int_scales(weight[:, None], 8, is_symmetric=is_symmetric)
    parts = {"weight": int_codes(weight, scale, zero, 8).to(torch.int8), "weight_scale": scale}
    return parts if zero is None else {**parts, "weight_zero_point": zero.to(torch.int8)}


def fp8(weight, *, strategy="channel"):
    """FP8 with bf16 scales."""
    if strategy == "block":
        codes, scale = by_block(weight, BLOCK, BLOCK, is_power=False)
        return {"weight": codes, "weight_scale": scale.bfloat16()}
    largest = weight.abs().amax(1, keepdim=True) if strategy == "channel" else weight.abs().max()
    scale = (largest / E4M3_LARGEST).bfloat16()
    scale = scale.reshape(1) if strategy == "tensor" else scale
    return {"weight": e4m3(weight / scale.float()), "weight_scale": scale}


def mxfp8(weight):
    """FP8 with a power of two per 32, as bytes."""
    codes, byte = by_block(weight, 1, 32, is_power=True)
    return {"weight": codes, "weight_scale": byte}


def pack(weight, *, bits=4, size=GROUP, is_symmetric=True, shuffled=False):
    """Integers packed along the columns, their zero points down the rows."""
    rows, columns = weight.shape
    index = torch.arange(columns) // (size or columns)
    if shuffled:
        index = index[torch.randperm(columns, generator=torch.Generator().manual_seed(0))]
    cells = torch.stack([weight[:, index == i] for i in range(int(index.max()) + 1)], dim=1)
    scale, zero = int_scales(cells, bits, is_symmetric=is_symmetric)
    codes = int_codes(weight, scale[:, index], None if zero is None else zero[:, index], bits)
    half = 1 << (bits - 1)
    parts = {
        "weight_packed": packed(codes + half, bits, 1), "weight_scale": scale,
        "weight_shape": torch.tensor([rows, columns]),
    }  # fmt: skip
    if zero is not None:
        parts["weight_zero_point"] = packed(zero + half, bits, 0)
    if shuffled:
        parts["weight_g_idx"] = index.int()
    return parts


def nvfp4(weight):
    """FP4 with E4M3 scales per 16, and a global scale that divides them."""
    largest = cut(weight, 1, 16).abs().amax(-1)
    divisor = (E4M3_LARGEST * E2M1_LARGEST / weight.abs().max()).reshape(1)
    scale = e4m3(largest / E2M1_LARGEST * divisor)
    each = spread(scale.float() / divisor, weight.shape, 1, 16)
    return {
        "weight_packed": e2m1((weight / each).nan_to_num().clamp(-6, 6)), "weight_scale": scale,
        "weight_global_scale": divisor,
    }  # fmt: skip


def mxfp4(weight):
    """FP4 with a power of two per 32, as bytes."""
    byte = power_of_two(cut(weight, 1, 32).abs().amax(-1), E2M1_LARGEST)
    codes = e2m1(weight / spread(value_of(byte), weight.shape, 1, 32))
    return {"weight_packed": codes, "weight_scale": byte}


def _maker(form, store, weights, inputs=None, beside=None, multiple=1):
    """All maps one way; those whose width is no multiple stay plain and are named in `ignore`."""

    def make(base):
        rest = [module for module, weight in base.maps() if weight.shape[1] % multiple]
        maps = [(module, weight) for module, weight in base.maps() if module not in rest]
        out = base.kept(module for module, _ in maps)
        for module, weight in maps:
            parts = {**store(weight), **(beside or {})}
            out |= {f"{module}.{suffix}": tensor for suffix, tensor in parts.items()}
        return base.quantized(out, declaration(form, group(weights, inputs), ignore=rest))

    return make


def _packed(bits, *, size=GROUP, is_symmetric=True, shuffled=False):
    said = {"strategy": "group", "group_size": size} if size else {"strategy": "channel"}
    said |= {"num_bits": bits, "symmetric": is_symmetric}
    said |= {"actorder": "group"} if shuffled else {}
    store = partial(pack, bits=bits, size=size, is_symmetric=is_symmetric, shuffled=shuffled)
    return _maker("pack-quantized", store, arguments(**said))


MIXED = (
    ("float-quantized", r"re:.*self_attn\..*_proj$", fp8, arguments(type="float")),
    ("pack-quantized", r"re:.*\.(gate|up)_proj$", partial(pack, bits=4),
     arguments(num_bits=4, strategy="group", group_size=GROUP)),
    ("pack-quantized", r"re:.*\.down_proj$", partial(pack, bits=8, size=None, is_symmetric=False),
     arguments(num_bits=8, symmetric=False)),
)  # fmt: skip
"""Format, target, writer and arguments of each group."""


def mixed(base):
    """Attention in FP8, the halves of an MLP in integers of four and of eight bits."""
    out = base.kept(module for module, _ in base.maps())
    for module, weight in base.maps():
        ends = {"gate_proj": 1, "up_proj": 1, "down_proj": 2}
        store = MIXED[ends.get(module.rpartition(".")[2], 0)][2]
        out |= {f"{module}.{suffix}": tensor for suffix, tensor in store(weight).items()}
    token = arguments(type="float", **TOKEN)
    groups = [
        group(said, token if form == "float-quantized" else None, [target], form)
        for form, target, _, said in MIXED
    ]
    return base.quantized(out, declaration("mixed-precision", *groups))


FP4 = {"num_bits": 4, "type": "float"}
NV = {**FP4, "strategy": "tensor_group", "group_size": 16}
MX = {"type": "float", "strategy": "group", "group_size": 32, "scale_dtype": "torch.uint8"}
STATIC = arguments(type="float", strategy="tensor")

MAKERS = {
    "ct-w8a8": _maker("int-quantized", w8a8, arguments(), arguments(**TOKEN)),
    "ct-w8a8-asymmetric": _maker(
        "int-quantized", partial(w8a8, is_symmetric=False), arguments(symmetric=False),
        arguments(**TOKEN),
    ),
    "ct-fp8": _maker(
        "float-quantized", fp8, arguments(type="float"), arguments(type="float", **TOKEN)
    ),
    "ct-fp8-static": _maker(
        "float-quantized", partial(fp8, strategy="tensor"), STATIC, STATIC,
        {"input_scale": INPUT_SCALE},
    ),
    "ct-fp8-block": _maker(
        "float-quantized", partial(fp8, strategy="block"),
        arguments(type="float", strategy="block", block_structure=[BLOCK, BLOCK]),
        arguments(type="float", dynamic=True, strategy="group", group_size=128, observer=None),
    ),
    "ct-mxfp8": _maker(
        "mxfp8-quantized", mxfp8, arguments(**MX), arguments(**MX, dynamic=True), multiple=32
    ),
    **{f"ct-int{bits}": _packed(bits) for bits in range(2, 9)},
    **{f"ct-int{bits}-asymmetric": _packed(bits, is_symmetric=False) for bits in (3, 4, 5)},
    "ct-int4-channel": _packed(4, size=None),
    "ct-int4-act-order": _packed(4, is_symmetric=False, shuffled=True),
    "ct-nvfp4": _maker(
        "nvfp4-pack-quantized", nvfp4, arguments(**NV), arguments(**NV, dynamic="local"),
        {"input_global_scale": torch.tensor([200.0])},
    ),
    "ct-mxfp4": _maker(
        "mxfp4-pack-quantized", mxfp4, arguments(**MX | FP4), arguments(**MX | FP4, dynamic=True),
        multiple=32,
    ),
    "ct-mixed": mixed,
}  # fmt: skip
