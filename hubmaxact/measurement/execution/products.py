"""Whether a run's products are torch's own or float32's, rounded once; and a block that makes them.

A processor without instructions for bf16 or fp16 multiplies them many times slower than float32.
There products are made in float32 instead (see `float32_products`). Bits depend on the choice, so
it is recorded, and whoever repeats a run makes it again on any processor.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy.decoder_stack import input_device
from hubmaxact.measurement.execution.float32_products import Float32Products
from hubmaxact.report.products import FLOAT32, NATIVE

INSTRUCTIONS = {
    "bfloat16": ("avx512_bf16", "amx_bf16", "avx10_2", "bf16", "sve_bf16"),
    "float16": ("avx512_fp16", "amx_fp16", "avx10_2"),
}
"""Capabilities that multiply a format, as torch names them; oneDNN has no fp16 product on Arm."""

KERNELS = {
    "bfloat16": "_is_mkldnn_bf16_supported",
    "float16": "_is_mkldnn_fp16_supported",
}
"""What oneDNN is asked. It also says yes where AVX-512 emulates bf16, slower than float32."""


def products_for(
    asked: Literal["auto", "native", "float32"], dtype: str, model: PreTrainedModel
) -> Literal["native", "float32"]:
    """Settle how a run multiplies.

    Args:
        asked: What the run was told.
        dtype: Number format of the forward pass; "float32" leaves nothing to choose.
        model: Where it is decides "auto", which on an accelerator is its own kernels.

    Returns:
        What the report says.
    """
    if dtype not in INSTRUCTIONS:
        return NATIVE
    if asked != "auto":
        return asked
    on_cpu = input_device(model.get_input_embeddings()).type == "cpu"
    return FLOAT32 if on_cpu and not has_instructions(dtype) else NATIVE


def told_of_choice(dtype: str, products: Literal["native", "float32"]) -> str:
    """Return the sentence about a choice that nobody made: what "auto" came to.

    Args:
        dtype: Number format of the forward pass.
        products: What `products_for` settled.

    Returns:
        One sentence; "" where there was nothing to choose.
    """
    if dtype not in INSTRUCTIONS:
        return ""
    if products == NATIVE:
        return f"Products are made in {dtype} itself."
    return (
        f"Products are made in float32 and each result is rounded once to {dtype}, for which this "
        "processor has no instructions."
    )


def has_instructions(dtype: str) -> bool:
    """Whether torch multiplies this narrow format by instructions of the processor.

    Both must agree: the processor has them, and oneDNN, which would use them, is there and not
    limited to less (ONEDNN_MAX_CPU_ISA). Where torch is too old to be asked, or asks oneDNN no
    more, the other one decides.
    """
    capabilities = getattr(torch.cpu, "get_capabilities", None)
    if capabilities is not None:
        known = capabilities()
        if not any(known.get(name, False) for name in INSTRUCTIONS[dtype]):
            return False
    if not torch.backends.mkldnn.is_available():
        return False
    kernels = getattr(torch.ops.mkldnn, KERNELS[dtype], None)
    return capabilities is not None if kernels is None else bool(kernels())


@contextmanager
def multiplying(products: Literal["native", "float32"]) -> Iterator[None]:
    """Make products so while the block runs; hooks leave it by themselves."""
    if products == NATIVE:
        yield
        return
    with Float32Products():
        yield
