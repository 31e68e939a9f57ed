"""Bit for bit what the formats' own packages make of codes, on codes that they wrote.

And of codes that our makers of checkpoints write, so that their layout is that of releases.
"""

import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from command import DENSE, environment
from measurement.dequantization.stored import same_bits, stored
from quantized.checkpoint import read
from quantized.makers import MAKERS
from quantizers import quantizer, tool_apart
from safetensors.torch import load_file, save_file

from hubmaxact.measurement.dequantization.expand import expand

pytestmark = [pytest.mark.nightly, pytest.mark.filterwarnings("ignore")]

PARTS = {
    "weight": "codes", "weight_packed": "codes", "qweight": "codes", "blocks": "codes",
    "weight_scale": "scale", "weight_scale_inv": "scale", "scales": "scale", "SCB": "scale",
    "weight.absmax": "scale", "weight_zero_point": "zero_point", "qzeros": "zero_point",
    "weight_global_scale": "divisor", "weight_scale_2": "factor", "weight_shape": "shape",
    "g_idx": "group_index", "weight.quant_map": "table", "weight.nested_absmax": "nested_scale",
    "weight.nested_quant_map": "nested_table", "weight.quant_state.bitsandbytes__nf4": "state",
    "weight.quant_state.bitsandbytes__fp4": "state", "scale": "scale",
}  # fmt: skip


def ours(formula, local, shape, dtype=torch.float32, **scheme):
    """Our weight from tensors by their suffix."""
    parts = {PARTS[suffix]: tensor for suffix, tensor in local.items() if suffix in PARTS}
    return expand(stored(formula, shape, **scheme), parts, dtype)


def equal(found, wanted):
    """To the bit, in whatever format they are."""
    return same_bits(found.float(), wanted.float()) and found.dtype == wanted.dtype


@cache
def base():
    """The first layer of a trained model."""
    whole = read(DENSE)
    first = {name: tensor for name, tensor in whole.tensors.items() if ".layers.0." in name}
    return replace(whole, tensors=first)


def made(name):
    """(module, shape, tensors by suffix) as our maker writes them, and what it declares."""
    checkpoint = MAKERS[name](base())
    shapes = [(module, tuple(weight.shape)) for module, weight in base().maps()]
    for module, shape in shapes:
        local = {
            full.removeprefix(f"{module}."): tensor
            for full, tensor in checkpoint.tensors.items()
            if full.startswith(f"{module}.")
        }
        yield shape, local, checkpoint.config.get("quantization_config")


class TestCompressedTensors:
    """Its compressors and decompressors, every format that holds dense weights."""

    FORMULAS = {  # noqa: RUF012 names
        "int-quantized": "scaled", "float-quantized": "scaled", "mxfp8-quantized": "scaled",
        "pack-quantized": "packed_int", "nvfp4-pack-quantized": "nvfp4",
        "mxfp4-pack-quantized": "mxfp4",
    }  # fmt: skip
    # Shuffled groups are of its older releases; this one reads none.
    NAMES = tuple(
        sorted(
            {name for name in MAKERS if name.startswith("ct-")} - {"ct-mixed", "ct-int4-act-order"}
        )
    )

    @pytest.fixture
    def compressor(self):
        quantizer("compressed_tensors")
        from compressed_tensors.compressors import BaseCompressor
        from compressed_tensors.quantization import QuantizationConfig

        def compressor(said):
            config = {**said, "config_groups": {"group_0": dict(said["config_groups"]["group_0"])}}
            scheme = QuantizationConfig.model_validate(config).config_groups["group_0"]
            return BaseCompressor.get_value_from_registry(said["format"]), scheme

        return compressor

    def expanded(self, said, local, shape, dtype):
        weights = said["config_groups"]["group_0"]["weights"]
        block = tuple(weights["block_structure"]) if weights["block_structure"] else None
        if said["format"] == "pack-quantized":
            room = local["weight_packed"].shape[1] * 32 // weights["num_bits"]
            shape = (shape[0], room)
        return ours(
            self.FORMULAS[said["format"]], local, shape, dtype, bits=weights["num_bits"],
            group_size=weights["group_size"], block=block,
        )  # fmt: skip

    @pytest.mark.parametrize("name", NAMES)
    def test_what_our_maker_writes(self, compressor, name):
        for shape, local, said in made(name):
            package, scheme = compressor(said)
            theirs = package.decompress(local, scheme)["weight"]
            assert equal(self.expanded(said, local, shape, theirs.dtype), theirs)

    @pytest.mark.parametrize("name", NAMES)
    def test_what_it_writes(self, compressor, name):
        for shape, local, said in made(name):
            package, scheme = compressor(said)
            known = self.before(local, said)
            weight = torch.randn(shape, generator=torch.Generator().manual_seed(0)) / 8
            written = package.compress({"weight": weight.bfloat16(), **known}, scheme)
            assert {n: (t.dtype, t.shape) for n, t in written.items()} == {
                n: (t.dtype, t.shape) for n, t in local.items() if not n.startswith("input")
            }
            theirs = package.decompress(written, scheme)["weight"]
            assert equal(self.expanded(said, written, shape, theirs.dtype), theirs)

    def before(self, local, said):
        """Scales and zero points as its observers hand them to its compressors."""
        known = {
            name: local[name] for name in ("weight_scale", "weight_global_scale") if name in local
        }
        if known["weight_scale"].dtype == torch.uint8:
            known["weight_scale"] = torch.exp2(known["weight_scale"].float() - 127)
        elif known["weight_scale"].dtype == torch.float8_e4m3fn:
            known["weight_scale"] = known["weight_scale"].float()
        if not said["config_groups"]["group_0"]["weights"]["symmetric"]:
            zeros = torch.randint(-2, 2, known["weight_scale"].shape, dtype=torch.int8)
            known["weight_zero_point"] = zeros
        return known


class TestTransformers:
    """Where it dequantizes rightly: blocks that nothing cuts, FP4 experts, gpt-oss."""

    @pytest.mark.parametrize("name", ["fp8", "fp8-scale", "fp8-tensor", "mxfp8"])
    def test_fp8(self, name):
        from transformers.integrations.finegrained_fp8 import Fp8Dequantize

        compared = 0
        for shape, local, said in made(name):
            block = said["weight_block_size"]
            if block is not None and any(n % min(n, b) for n, b in zip(shape, block, strict=True)):
                continue
            scale = next(tensor for suffix, tensor in local.items() if "scale" in suffix)
            theirs = Fp8Dequantize(None)._dequantize_one(local["weight"], scale, torch.float32)
            found = ours("scaled", local, shape, block=None if block is None else tuple(block))
            assert equal(found, theirs)
            compared += 1
        assert compared

    def test_deepseek_v4(self):
        from transformers.integrations.finegrained_fp8 import Fp8Dequantize

        tensors = MAKERS["deepseek-v4"](base()).tensors
        modules = [name.removesuffix(".scale") for name in tensors if name.endswith(".scale")]
        experts = [module for module in modules if ".experts." in module]
        assert experts
        for module in experts:
            codes, scale = tensors[f"{module}.weight"], tensors[f"{module}.scale"]
            theirs = Fp8Dequantize(None)._dequantize_one(codes, scale, torch.float32)
            local = {"weight": codes, "scale": scale}
            shape = (len(codes), 2 * codes.shape[1])
            assert equal(ours("scaled", local, shape, bits=4, group_size=32), theirs)

    def test_gpt_oss(self):
        from transformers.integrations.mxfp4 import convert_moe_packed_tensors

        tensors = MAKERS["gpt-oss-mxfp4"](base()).tensors
        names = [name.removesuffix("_blocks") for name in tensors if name.endswith("_blocks")]
        for name in names:
            local = {"blocks": tensors[f"{name}_blocks"], "scale": tensors[f"{name}_scales"]}
            for dtype in (torch.bfloat16, torch.float32):
                theirs = convert_moe_packed_tensors(local["blocks"], local["scale"], dtype=dtype)
                assert equal(ours("mxfp4_experts", local, tuple(theirs.shape), dtype), theirs)


class TestBitsandbytes:
    """Its functions of a CPU; what they write is equal to what our makers write."""

    @pytest.fixture
    def functional(self):
        return quantizer("bitsandbytes.functional")

    @pytest.mark.parametrize("name", ["bnb-nf4", "bnb-nf4-double", "bnb-fp4"])
    def test_four_bits(self, functional, name):
        for (shape, local, said), (_, weight) in zip(made(name), base().maps(), strict=True):
            packed, state = functional.quantize_4bit(
                weight.bfloat16(), quant_type=said["bnb_4bit_quant_type"],
                compress_statistics=said["bnb_4bit_use_double_quant"],
            )  # fmt: skip
            written = {f"weight.{key}": part for key, part in state.as_dict(packed=True).items()}
            written["weight"] = packed
            assert written.keys() == local.keys()
            assert all(torch.equal(written[key], local[key]) for key in written)
            # As one row: for a CPU it has a kernel that begins a block with each row, whereas
            # codes are written, and read on GPUs, in blocks that run on from row to row.
            state.dtype, state.shape = torch.float32, torch.Size([1, weight.numel()])
            theirs = functional.dequantize_4bit(packed, state).view(shape)
            assert equal(ours("bitsandbytes_4bit", written, ()), theirs)

    def test_eight_bits(self, functional):
        for (shape, local, _), (_, weight) in zip(made("bnb-int8"), base().maps(), strict=True):
            codes, scale, _ = functional.int8_vectorwise_quant(weight.half())
            assert torch.equal(codes, local["weight"])
            assert torch.equal(scale, local["SCB"])
            theirs = functional.int8_vectorwise_dequant(codes, scale)
            assert equal(ours("bitsandbytes_8bit", local, shape), theirs)


class TestModelOptimizer:
    """Its tensor of NVFP4, whose table has no negative zero."""

    @pytest.fixture
    def kind(self):
        return quantizer("modelopt.torch.quantization.qtensor").NVFP4QTensor

    def theirs(self, kind, packed, scale, second, shape):
        facts = {"scale": scale, "double_scale": second, "block_sizes": {-1: 16}}
        return kind(shape, torch.float32, packed).dequantize(torch.float32, **facts)

    def test_what_our_maker_writes(self, kind):
        for shape, local, _ in made("modelopt-nvfp4"):
            parts = (local["weight"], local["weight_scale"], local["weight_scale_2"])
            theirs = self.theirs(kind, *parts, shape)
            assert equal(ours("nvfp4", local, shape) + 0.0, theirs + 0.0)

    def test_what_it_writes(self, kind):
        for _, weight in base().maps():
            held, scale, second = kind.quantize(weight.clone(), 16)
            local = {
                "weight": held._quantized_data,
                "weight_scale": scale,
                "weight_scale_2": second,
            }
            theirs = held.dequantize(
                torch.float32, scale=scale, double_scale=second, block_sizes={-1: 16}
            )
            assert equal(ours("nvfp4", local, tuple(weight.shape)) + 0.0, theirs + 0.0)


class TestAutoawq:
    """Its unpacker, which multiplies in fp16 too."""

    def test_what_our_maker_writes(self):
        packing = quantizer("awq.utils.packing_utils")
        for shape, local, said in made("awq"):
            group = said["group_size"]
            theirs = packing.dequantize_gemm(
                local["qweight"], local["qzeros"], local["scales"], 4, group
            )
            assert equal(
                ours("awq", local, shape, torch.float16, bits=4, group_size=group), theirs.T
            )


class TestGptqmodel:
    """Its linear map in plain torch, which multiplies in fp16."""

    NAMES = tuple(name for name in MAKERS if name.startswith("gptq"))

    @pytest.fixture(scope="class")
    def theirs(self, tmp_path_factory):
        """What it makes of every map of every checkpoint, by the name of the one and its place."""
        apart, folder = tool_apart("gptqmodel"), tmp_path_factory.mktemp("gptqmodel")
        tensors, said_of = {}, {}
        for name in self.NAMES:
            for place, ((rows, columns), local, said) in self.maps(name):
                facts = {key: said[key] for key in ("bits", "group_size", "sym", "desc_act")}
                facts |= {"in_features": columns, "out_features": rows}
                facts["is_first"] = said["checkpoint_format"] == "gptq"
                said_of[f"{name}/{place}"] = json.dumps(facts)
                tensors |= {f"{name}/{place}/{key}": tensor for key, tensor in local.items()}
        save_file(tensors, folder / "stored", said_of)
        script = Path(__file__).with_name("expanded_by_gptqmodel.py")
        words = [sys.executable, script, folder / "stored", folder / "expanded"]
        subprocess.run(words, check=True, env=environment(folder, PYTHONPATH=apart))
        return load_file(folder / "expanded")

    def maps(self, name):
        """Those that are quantized, with their places: 3 bits do not fit every width."""
        return enumerate(each for each in made(name) if "qweight" in each[1])

    @pytest.mark.parametrize("name", NAMES)
    def test_what_our_maker_writes(self, theirs, name):
        maps = list(self.maps(name))
        assert maps
        for place, (shape, local, said) in maps:
            found = ours(
                "gptq", local, shape, torch.float16, bits=said["bits"],
                group_size=said["group_size"], offset_zeros=said["checkpoint_format"] == "gptq",
            )  # fmt: skip
            assert equal(found, theirs[f"{name}/{place}"].T)
