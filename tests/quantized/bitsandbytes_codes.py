"""bitsandbytes as `save_pretrained` leaves it: NF4, FP4 and LLM.int8, equal to its own to the bit.

Experts stay as they are: that package quantizes linear maps, and theirs is one stacked tensor.
"""

import json

import torch

BLOCK, NESTED_BLOCK, NESTED_STEPS = 64, 256, 65535
NF4 = [
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0,
]  # fmt: skip
FP4 = [0, 0.0625, 8.0, 12.0, 4.0, 6.0, 2.0, 3.0, -0, -0.0625, -8.0, -12.0, -4.0, -6.0, -2.0, -3.0]
TABLES = {"nf4": torch.tensor(NF4), "fp4": torch.tensor(FP4) / 12}


def dynamic_table():
    """The 256 numbers that scales of scales are rounded to: seven decades, finer upwards."""
    numbers = [0.0, 1.0]
    for decade in range(7):
        edges = torch.linspace(0.1, 1, 2**decade + 1)
        middles = 10 ** (decade - 6) * (edges[:-1] + edges[1:]) / 2
        numbers += [*middles.tolist(), *(-middles).tolist()]
    return torch.tensor(sorted(numbers))


def blockwise(x, table, size, steps=None):
    """Nearest entries of a table to each block's values over its largest magnitude; and those.

    With `steps`, values are first rounded to as many steps from -1 to 1: where that package runs
    on a CPU, it looks entries of large tables up by a coarse key.
    """
    filled = torch.nn.functional.pad(x.float().flatten(), (0, -x.numel() % size))
    blocks = filled.unflatten(0, (-1, size))
    largest = blocks.abs().amax(-1)
    scaled = (blocks * (1 / largest.clamp(min=1e-38))[:, None]).clamp(-1, 1)
    if steps:
        scaled = ((scaled + 1) * (steps / 2)).round() / (steps / 2) - 1
    order = torch.argsort(table, stable=True)
    middles = (table[order[:-1]] + table[order[1:]]) / 2
    nearest = order[torch.bucketize(scaled, middles)]
    return nearest.flatten()[: x.numel()], largest


def four_bits(kind, *, is_double):
    """Two codes a byte, the first one high; the scales of blocks in eight bits where doubled."""
    table = TABLES[kind]

    def make(weight):
        codes, largest = blockwise(weight, table, BLOCK)
        codes = codes.byte()
        state = {"quant_type": kind, "blocksize": BLOCK, "dtype": "bfloat16"}
        state |= {"shape": list(weight.shape)}
        parts = {"": (codes[::2] << 4 | codes[1::2])[:, None], ".quant_map": table}
        if is_double:
            offset = largest.mean()
            nested, nested_largest = blockwise(
                largest - offset, dynamic_table(), NESTED_BLOCK, NESTED_STEPS
            )
            parts |= {".absmax": nested.byte(), ".nested_absmax": nested_largest}
            parts[".nested_quant_map"] = dynamic_table()
            state |= {"nested_blocksize": NESTED_BLOCK, "nested_dtype": "float32"}
            state |= {"nested_offset": offset.item()}
        else:
            parts[".absmax"] = largest
        bytes_of = torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)
        return {**parts, f".quant_state.bitsandbytes__{kind}": bytes_of}

    return make


def eight_bits(weight):
    """Rows over their largest magnitude, taken in fp16."""
    half = weight.half()
    largest = half.abs().amax(1).float()
    return {"": (half * (127.0 / largest[:, None])).round().to(torch.int8)}, largest


def said(**changed):
    """quantization_config as transformers writes it."""
    usual = {
        "bnb_4bit_compute_dtype": "bfloat16", "bnb_4bit_quant_storage": "uint8",
        "bnb_4bit_quant_type": "fp4", "bnb_4bit_use_double_quant": False,
        "llm_int8_enable_fp32_cpu_offload": False, "llm_int8_has_fp16_weight": False,
        "llm_int8_skip_modules": None, "llm_int8_threshold": 6.0, "load_in_4bit": False,
        "load_in_8bit": False, "quant_method": "bitsandbytes",
    }  # fmt: skip
    usual |= changed
    return usual | {f"_{key}": usual[key] for key in ("load_in_4bit", "load_in_8bit")}


def _maps(base):
    return list(base.maps(keep=lambda module: ".experts." in module))


def _four(kind, *, is_double):
    store = four_bits(kind, is_double=is_double)
    facts = {"bnb_4bit_quant_type": kind, "bnb_4bit_use_double_quant": is_double}

    def make(base):
        maps = _maps(base)
        out = base.kept(module for module, _ in maps)
        for module, weight in maps:
            out |= {f"{module}.weight{suffix}": part for suffix, part in store(weight).items()}
        return base.quantized(out, said(load_in_4bit=True, **facts))

    return make


def int8(base):
    """LLM.int8."""
    maps = _maps(base)
    out = base.kept(module for module, _ in maps)
    for module, weight in maps:
        parts, largest = eight_bits(weight)
        out[f"{module}.weight"] = parts[""]
        out[f"{module}.SCB"] = largest
        out[f"{module}.weight_format"] = torch.tensor(0, dtype=torch.uint8)
    return base.quantized(out, said(load_in_8bit=True, bnb_4bit_compute_dtype="float32"))


MAKERS = {
    "bnb-nf4": _four("nf4", is_double=False),
    "bnb-nf4-double": _four("nf4", is_double=True),
    "bnb-fp4": _four("fp4", is_double=False),
    "bnb-int8": int8,
}
