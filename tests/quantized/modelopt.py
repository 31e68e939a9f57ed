"""NVIDIA's Model-Optimizer: FP8 and NVFP4, said in config.json or, by older ones, beside it."""

from dataclasses import replace

import torch
from quantized.codes import E2M1_LARGEST, E4M3_LARGEST, cut, e2m1, e4m3, spread

PRODUCER = {"name": "modelopt", "version": "0.47.0"}


def fp8(weight):
    """A scalar for weights, and one for inputs."""
    scale = weight.abs().max() / E4M3_LARGEST
    codes = e4m3(weight / scale)
    return {"weight": codes, "weight_scale": scale, "input_scale": torch.tensor(0.05)}


def nvfp4(weight):
    """FP4 with E4M3 scales per 16, and a second scale that multiplies them."""
    largest = cut(weight, 1, 16).abs().amax(-1)
    second = weight.abs().max() / (E2M1_LARGEST * E4M3_LARGEST)
    scale = e4m3((largest / E2M1_LARGEST / second).clamp(min=2**-9))
    each = spread(scale.float() * second, weight.shape, 1, 16)
    return {
        "weight": e2m1((weight / each).clamp(-6, 6)), "weight_scale": scale,
        "weight_scale_2": second, "input_scale": torch.tensor(0.01),
    }  # fmt: skip


def _stored(base, store):
    """Every map, and the scales of an FP8 cache."""
    out = base.kept(module for module, _ in base.maps())
    for module, weight in base.maps():
        out |= {f"{module}.{suffix}": tensor for suffix, tensor in store(weight).items()}
        if module.endswith((".k_proj", ".v_proj")):
            out[f"{module}.{module[-6]}_scale"] = torch.tensor(1.0)
    return out


def _newer(algorithm, store, numbers):
    """What config.json says today."""
    group = {"input_activations": numbers, "targets": ["Linear"], "weights": numbers}
    said = {
        "config_groups": {"group_0": group}, "ignore": ["lm_head"], "quant_algo": algorithm,
        "kv_cache_scheme": {"dynamic": False, "num_bits": 8, "type": "float"},
        "producer": PRODUCER, "quant_method": "modelopt",
    }  # fmt: skip
    return lambda base: base.quantized(_stored(base, store), said)


def _older(algorithm, store, **more):
    """What hf_quant_config.json says, and config.json does not."""
    said = {"quant_algo": algorithm, "kv_cache_quant_algo": "FP8", **more}
    said |= {"exclude_modules": ["lm_head"]}
    document = {"producer": PRODUCER, "quantization": said}
    return lambda base: replace(base, tensors=_stored(base, store), modelopt=document)


EIGHT = {"dynamic": False, "num_bits": 8, "type": "float"}
FOUR = {"dynamic": False, "num_bits": 4, "type": "float", "group_size": 16}

MAKERS = {
    "modelopt-fp8": _newer("FP8", fp8, EIGHT),
    "modelopt-nvfp4": _newer("NVFP4", nvfp4, FOUR),
    "modelopt-fp8-older": _older("FP8", fp8),
    "modelopt-nvfp4-older": _older("NVFP4", nvfp4, group_size=16),
}
