"""FP8 as transformers' own methods store it: `fp8`, `mxfp8` and `fbgemm_fp8`."""

import torch
from quantized.codes import E4M3_LARGEST, cut, e4m3, power_of_two, spread, value_of

BLOCK = 128  # cuts the tiny models' 224 and 112


def by_block(weight, high, wide, *, is_power):
    """Codes, and the scales of blocks: float32, or bytes of powers of two."""
    largest = cut(weight, high, wide).abs().amax(-1)
    scale = power_of_two(largest, E4M3_LARGEST) if is_power else largest / E4M3_LARGEST
    divisor = value_of(scale) if is_power else scale
    return e4m3(weight / spread(divisor, weight.shape, high, wide)), scale


def _blocks(suffix, dtype=torch.float32, **said):
    """Scales of 128x128 under one name and in one dtype."""
    is_power = dtype is torch.float8_e8m0fnu

    def make(base):
        out = base.kept(module for module, _ in base.maps())
        for module, weight in base.maps():
            codes, scale = by_block(weight, BLOCK, BLOCK, is_power=is_power)
            out[f"{module}.weight"] = codes
            out[f"{module}.{suffix}"] = scale.view(dtype) if is_power else scale.to(dtype)
        usual = {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8"}
        return base.quantized(out, {**usual, "weight_block_size": [BLOCK, BLOCK], **said})

    return make


def per_tensor(base):
    """Ministral 3: scalars, one for weights and one for activations."""
    out = base.kept(module for module, _ in base.maps())
    for module, weight in base.maps():
        scale = (weight.abs().max() / E4M3_LARGEST).bfloat16()
        out[f"{module}.weight"] = e4m3(weight / scale)
        out[f"{module}.weight_scale_inv"] = scale
        out[f"{module}.activation_scale"] = torch.tensor(0.05, dtype=torch.bfloat16)
    said = {"activation_scheme": "static", "dequantize": False, "quant_method": "fp8"}
    return base.quantized(out, {**said, "weight_block_size": None})


def mxfp8(base):
    """A power of two per 1x32, as bytes; widths that 32 does not divide stay as they are."""
    maps = [(module, weight) for module, weight in base.maps() if weight.shape[1] % 32 == 0]
    out = base.kept(module for module, _ in maps)
    for module, weight in maps:
        codes, byte = by_block(weight, 1, 32, is_power=True)
        out[f"{module}.weight"] = codes
        out[f"{module}.weight_scale_inv"] = byte
    said = {"activation_scheme": "dynamic", "quant_method": "mxfp8", "scale_fmt": "ue8m0"}
    return base.quantized(out, {**said, "weight_block_size": [1, 32]})


def fbgemm(base):
    """Llama 3.1 405B: a float32 scale per row, and a bound for those of activations."""
    out = base.kept(module for module, _ in base.maps())
    for module, weight in base.maps():
        scale = weight.abs().amax(1, keepdim=True) / E4M3_LARGEST
        out[f"{module}.weight"] = e4m3(weight / scale)
        out[f"{module}.weight_scale"] = scale
        out[f"{module}.input_scale_ub"] = torch.tensor([1200.0])
    said = {"activation_scale_ub": 1200.0, "quant_method": "fbgemm_fp8"}
    return base.quantized(out, {**said, "modules_to_not_convert": ["lm_head"]})


MAKERS = {
    "fp8": _blocks("weight_scale_inv"),
    "fp8-bf16-scales": _blocks("weight_scale_inv", torch.bfloat16),
    "fp8-scale": _blocks("scale", torch.float8_e8m0fnu, scale_fmt="ue8m0"),
    "fp8-qscale": _blocks("qscale_weight"),
    "fp8-tensor": per_tensor,
    "mxfp8": mxfp8,
    "fbgemm": fbgemm,
}
