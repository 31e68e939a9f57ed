"""What is made is quantized wherever its format can be, and said to be."""

from dataclasses import replace

import pytest
import torch
from command import MOE
from quantized.checkpoint import read
from quantized.makers import MAKERS, make

WIDE_ONLY = {"mxfp8", "ct-mxfp8", "ct-mxfp4", "gptq-3bit"}
"""What has no codes for 112 columns; those stay plain, as do bitsandbytes' experts."""
OWN = {"gpt-oss-mxfp4", "deepseek-v4"}


@pytest.fixture(scope="module")
def base():
    whole = read(MOE)
    first = {name: tensor for name, tensor in whole.tensors.items() if ".layers.0." in name}
    return replace(whole, tensors=first)


@pytest.mark.by_day(
    "fp8",
    "ct-w8a8-asymmetric",
    "ct-nvfp4",
    "gptq-act-order",
    "awq",
    "bnb-nf4-double",
    "gpt-oss-mxfp4",
)
@pytest.mark.parametrize("name", sorted(MAKERS.keys() - OWN))
def test_no_map_stays_plain_that_the_format_can_hold(base, name):
    made = MAKERS[name](base)
    plain = {module for module, _ in base.maps() if f"{module}.weight" in made.tensors}
    plain = {module for module in plain if made.tensors[f"{module}.weight"].is_floating_point()
             and made.tensors[f"{module}.weight"].itemsize > 1}  # fmt: skip
    few = ".experts." if name.startswith("bnb") or name == "gptq-3bit" else ".down_proj"
    assert all(few in module for module in plain)
    assert bool(plain) == (name in WIDE_ONLY or name.startswith("bnb"))
    said = made.config.get("quantization_config") or made.modelopt["quantization"]
    assert "quant_method" in said or "quant_algo" in said


@pytest.mark.parametrize("name", sorted(OWN))
def test_experts_of_an_architecture_of_their_own_are_codes(tmp_path, name):
    made = read(make(name, MOE, tmp_path))
    experts = {n: t for n, t in made.tensors.items() if ".experts." in n and "bias" not in n}
    kinds = {torch.uint8} if name == "gpt-oss-mxfp4" else {torch.int8, torch.float8_e8m0fnu}
    assert {tensor.dtype for tensor in experts.values()} == kinds
    assert (tmp_path / "tokenizer.json").exists()
