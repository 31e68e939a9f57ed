"""Quantized checkpoints of a few bytes, written by hand, and the report of what they were made of.

The names, dtypes and shapes are those of real releases; weights are zeros.
"""

import json
import struct

from deployed_reports import deployment_report

BITS = {"F32": 32, "BF16": 16, "F16": 16, "I8": 8, "U8": 8, "F8_E4M3": 8, "I32": 32}
PACK = {"F32": "<f", "F16": "<e"}


def number(dtype, value):
    """One number's bytes; bf16 rounds to nearest even."""
    if dtype == "BF16":
        (bits,) = struct.unpack("<I", struct.pack("<f", value))
        return struct.pack("<H", (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
    return struct.pack(PACK[dtype], value)


def scalar(value, dtype="F32", shape=()):
    """A tensor of one number, or of one for each of several."""
    values = value if isinstance(value, list) else [value]
    return (
        dtype,
        list(shape) or ([len(values)] if isinstance(value, list) else []),
        b"".join(number(dtype, each) for each in values),
    )


def zeros(dtype, *shape):
    """A weight."""
    elements = 1
    for extent in shape:
        elements *= extent
    return dtype, list(shape), bytes(elements * BITS[dtype] // 8)


def safetensors(tensors):
    """The bytes of a safetensors file."""
    header, content = {}, b""
    for name, (dtype, shape, data) in tensors.items():
        offsets = [len(content), len(content) + len(data)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        content += data
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content


def files(tensors, said, **more):
    """A checkpoint's files by name."""
    config = {"model_type": "qwen3", "num_hidden_layers": 2, "hidden_size": 64}
    config |= {"quantization_config": said} if said is not None else {}
    return {
        "config.json": json.dumps(config).encode(),
        "model.safetensors": safetensors(tensors),
        **more,
    }


def write(folder, tensors, said, **more):
    """Write a checkpoint's files into a folder."""
    folder.mkdir(exist_ok=True)
    for name, content in files(tensors, said, **more).items():
        (folder / name).write_bytes(content)
    return folder


def maps(report):
    """The linear maps of a report, each with the largest |x| of its input."""
    return {m: row["abs_max"] for row in report["linear_inputs"] for m in row["modules"]}


def caches(report):
    """The attentions of a report, each with the largest |x| of its keys and values."""
    return {r["module"]: (r["key"]["abs_max"], r["value"]["abs_max"]) for r in report["kv"]}


def fp8_modelopt(report, limit=448.0):
    """Model-Optimizer's FP8: scalars in float32, cache scales behind the projections' names."""
    tensors = {}
    for module, abs_max in maps(report).items():
        tensors[f"{module}.weight"] = zeros("F8_E4M3", 4, 4)
        tensors[f"{module}.weight_scale"] = scalar(0.01)
        tensors[f"{module}.input_scale"] = scalar(abs_max / limit)
    for attention, (key, value) in caches(report).items():
        tensors[f"{attention}.k_proj.k_scale"] = scalar(key / 448)
        tensors[f"{attention}.v_proj.v_scale"] = scalar(value / 448)
    return tensors


def nvfp4_modelopt(report):
    """Model-Optimizer's NVFP4: the second scale of the weights says that 2688 is meant."""
    tensors = fp8_modelopt(report, limit=2688.0)
    for module in maps(report):
        tensors[f"{module}.weight"] = zeros("U8", 4, 2)
        tensors[f"{module}.weight_scale_2"] = scalar(0.001)
    return tensors


def compressed_tensors(report, name, dtype, weight, number_of):
    """llm-compressor's: `[1]` in the weights' dtype, cache scales at the attention."""
    tensors = {}
    for module, abs_max in maps(report).items():
        kind = "weight_packed" if weight == "U8" else "weight"
        tensors[f"{module}.{kind}"] = zeros(weight, 4, 4)
        tensors[f"{module}.weight_scale"] = scalar([0.01], "BF16")
        tensors[f"{module}.{name}"] = scalar([number_of(abs_max)], dtype)
    for attention, (key, value) in caches(report).items():
        tensors[f"{attention}.k_scale"] = scalar([key / 448], "BF16")
        tensors[f"{attention}.v_scale"] = scalar([value / 448], "BF16")
    return tensors


def scheme(bits, kind, observer="static_minmax", **more):
    """What config.json says of one kind of tensor."""
    usual = {"num_bits": bits, "type": kind, "symmetric": True, "strategy": "tensor"}
    return {**usual, "dynamic": False, "observer": observer, **more}


def said_ct(inputs, cache=None, **more):
    """`quantization_config` of compressed-tensors with one group."""
    group = {"targets": ["Linear"], "weights": scheme(8, "float"), "input_activations": inputs}
    said = {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}}
    return {**said, "kv_cache_scheme": cache or scheme(8, "float"), **more}


def said_modelopt(algorithm="FP8", **more):
    """`quantization_config` of Model-Optimizer."""
    cache = {"dynamic": False, "num_bits": 8, "type": "float"}
    return {"quant_method": "modelopt", "quant_algo": algorithm, "kv_cache_scheme": cache, **more}


__all__ = ["deployment_report"]
