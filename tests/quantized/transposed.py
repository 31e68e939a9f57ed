"""GPTQ and AWQ: codes of the transposed weight, packed in words."""

import torch
from quantized.codes import packed

GROUP = 16  # releases have 32 or 128; this one divides every width of a tiny model
INTERLEAVED = torch.tensor([0, 2, 4, 6, 1, 3, 5, 7])
"""Which of eight columns each nibble of an AWQ word holds."""


def _codes(weight, index, bits, lowest_zero):
    """Codes (columns, rows), zero points and fp16 scales (groups, rows), by groups of columns."""
    top = 2**bits - 1
    groups = [weight[:, index == group] for group in range(int(index.max()) + 1)]
    low = torch.stack([each.amin(1).clamp(max=0) for each in groups])
    high = torch.stack([each.amax(1).clamp(min=0) for each in groups])
    scales = ((high - low) / top).half()
    zeros = (-low / scales.float()).round().clamp(lowest_zero, top)
    codes = (weight.T / scales.float()[index] + zeros[index]).round().clamp(0, top)
    return codes, zeros, scales


def _gptq(bits=4, *, order="gptq", is_shuffled=False):
    """Asymmetric, in groups; zero points stored less one until the second format."""
    is_first = order == "gptq"

    def make(base):
        maps = [(module, w) for module, w in base.maps() if not any(n * bits % 32 for n in w.shape)]
        out = base.kept(module for module, _ in maps)
        for module, weight in maps:
            index = torch.arange(weight.shape[1]) // GROUP
            if is_shuffled:
                generator = torch.Generator().manual_seed(0)
                index = index[torch.randperm(len(index), generator=generator)]
            codes, zeros, scales = _codes(weight, index, bits, int(is_first))
            out[f"{module}.qweight"] = packed(codes, bits, 0)
            out[f"{module}.qzeros"] = packed(zeros - int(is_first), bits, 1)
            out[f"{module}.scales"] = scales
            out[f"{module}.g_idx"] = index.int()
        said = {
            "bits": bits, "checkpoint_format": order, "damp_percent": 0.1, "desc_act": is_shuffled,
            "group_size": GROUP, "lm_head": False, "quant_method": "gptq", "sym": False,
        }  # fmt: skip
        return base.quantized(out, said)

    return make


def awq(base):
    """The GEMM layout: columns interleaved within a word."""
    out = base.kept(module for module, _ in base.maps())
    for module, weight in base.maps():
        index = torch.arange(weight.shape[1]) // GROUP
        codes, zeros, scales = _codes(weight, index, 4, 0)
        for suffix, values in (("qweight", codes), ("qzeros", zeros)):
            interleaved = values.unflatten(1, (-1, 8))[..., INTERLEAVED].flatten(1)
            out[f"{module}.{suffix}"] = packed(interleaved, 4, 1)
        out[f"{module}.scales"] = scales
    said = {
        "bits": 4, "group_size": GROUP, "modules_to_not_convert": None, "quant_method": "awq",
        "version": "gemm", "zero_point": True,
    }  # fmt: skip
    return base.quantized(out, said)


MAKERS = {
    "gptq": _gptq(),
    "gptq-v2": _gptq(order="gptq_v2"),
    "gptq-act-order": _gptq(is_shuffled=True),
    **{f"gptq-{bits}bit": _gptq(bits) for bits in (2, 3, 8)},
    "awq": awq,
}
