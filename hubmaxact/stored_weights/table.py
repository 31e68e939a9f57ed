"""The table of ways in which releases store quantized weights. One more way is one more row.

What the formulas make of the parts stands in `measurement.dequantization`.
"""

from hubmaxact.stored_weights.storage import Storage

PLAIN = ("BF16", "F16", "F32", "F64")
"""Weight dtypes that hold weights as they are, as safetensors spells them."""

CODES, SCALE, ZERO_POINT = "codes", "scale", "zero_point"
SHAPE, GROUP_INDEX = "shape", "group_index"
DIVISOR, FACTOR = "divisor", "factor"
TABLE, STATE, NESTED_SCALE, NESTED_TABLE = "table", "state", "nested_scale", "nested_table"
FORMAT = "format"
"""Parts of a stored weight."""

FP8 = Storage(
    name="fp8",
    title="FP8 (E4M3) or MXFP8, a scale per block or tensor; FP4 experts, two to a byte",
    formula="scaled",
    suffixes={
        "weight": CODES,
        "weight_scale_inv": SCALE,
        "scale": SCALE,
        "qscale_weight": SCALE,
    },
    required=(CODES, SCALE),
    codes=frozenset({"F8_E4M3", "I8", "U8"}),
)
SCALED = Storage(
    name="scaled",
    title="FP8 (E4M3) or INT8, a scale per tensor, row, group or block",
    formula="scaled",
    suffixes={"weight": CODES, "weight_scale": SCALE, "weight_zero_point": ZERO_POINT},
    required=(CODES, SCALE),
    codes=frozenset({"F8_E4M3", "I8"}),
)
PACKED_INT = Storage(
    name="packed_int",
    title="integers of 2 to 8 bits in words, a scale per row or group",
    formula="packed_int",
    suffixes={
        "weight_packed": CODES,
        "weight_scale": SCALE,
        "weight_shape": SHAPE,
        "weight_zero_point": ZERO_POINT,
        "weight_g_idx": GROUP_INDEX,
    },
    required=(CODES, SCALE, SHAPE),
    codes=frozenset({"I32"}),
)
NVFP4_DIVISOR = Storage(
    name="nvfp4_divisor",
    title="NVFP4, the second scale divides",
    formula="nvfp4",
    suffixes={"weight_packed": CODES, "weight_scale": SCALE, "weight_global_scale": DIVISOR},
    required=(CODES, SCALE, DIVISOR),
    codes=frozenset({"U8"}),
)
NVFP4_FACTOR = Storage(
    name="nvfp4_factor",
    title="NVFP4, the second scale multiplies",
    formula="nvfp4",
    suffixes={"weight": CODES, "weight_scale": SCALE, "weight_scale_2": FACTOR},
    required=(CODES, SCALE, FACTOR),
    codes=frozenset({"U8"}),
)
MXFP4 = Storage(
    name="mxfp4",
    title="MXFP4",
    formula="mxfp4",
    suffixes={"weight_packed": CODES, "weight_scale": SCALE},
    required=(CODES, SCALE),
    codes=frozenset({"U8"}),
)
MXFP4_EXPERTS = tuple(
    Storage(
        name="mxfp4_experts",
        title="MXFP4, the experts of a layer in one tensor",
        formula="mxfp4_experts",
        suffixes={f"{target}_blocks": CODES, f"{target}_scales": SCALE},
        required=(CODES, SCALE),
        codes=frozenset({"U8"}),
        target=target,
    )
    for target in ("gate_up_proj", "down_proj")
)
GPTQ = Storage(
    name="gptq",
    title="GPTQ, integers of 2, 3, 4 or 8 bits in words",
    formula="gptq",
    suffixes={"qweight": CODES, "qzeros": ZERO_POINT, "scales": SCALE, "g_idx": GROUP_INDEX},
    required=(CODES, ZERO_POINT, SCALE),
    codes=frozenset({"I32"}),
)
AWQ = Storage(
    name="awq",
    title="AWQ (gemm), integers of 4 bits in words",
    formula="awq",
    suffixes={"qweight": CODES, "qzeros": ZERO_POINT, "scales": SCALE},
    required=(CODES, ZERO_POINT, SCALE),
    codes=frozenset({"I32"}),
)
BITSANDBYTES_4BIT = Storage(
    name="bitsandbytes_4bit",
    title="NF4 or FP4 by a stored table",
    formula="bitsandbytes_4bit",
    suffixes={
        "weight": CODES,
        "weight.absmax": SCALE,
        "weight.quant_map": TABLE,
        "weight.quant_state.bitsandbytes__nf4": STATE,
        "weight.quant_state.bitsandbytes__fp4": STATE,
        "weight.nested_absmax": NESTED_SCALE,
        "weight.nested_quant_map": NESTED_TABLE,
    },
    required=(CODES, SCALE, TABLE, STATE),
    codes=frozenset({"U8"}),
)
BITSANDBYTES_8BIT = Storage(
    name="bitsandbytes_8bit",
    title="LLM.int8, a scale per row",
    formula="bitsandbytes_8bit",
    suffixes={"weight": CODES, "SCB": SCALE, "weight_format": FORMAT},
    required=(CODES, SCALE),
    codes=frozenset({"I8"}),
)

STORAGES = (
    FP8,
    SCALED,
    PACKED_INT,
    NVFP4_DIVISOR,
    NVFP4_FACTOR,
    MXFP4,
    *MXFP4_EXPERTS,
    GPTQ,
    AWQ,
    BITSANDBYTES_4BIT,
    BITSANDBYTES_8BIT,
)
"""All of them, in the order of documents."""
