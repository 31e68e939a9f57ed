"""Value for value what quantizers make of the same tensors; where one differs, it is said how.

In each class a tool: what it rounds as we do, and the very points at which it does not.
"""

import numpy as np
import pytest
import torch
from measurement.rounding.numbers import TENSORS, all_bf16, tensor
from quantizers import quantizer

from hubmaxact.deployed_formats import (
    E4M3_BLOCK,
    E4M3_TOKEN,
    E5M2_TOKEN,
    INT8_TOKEN,
    MXFP4,
    MXFP8,
    NVFP4,
    PER_TENSOR,
)
from hubmaxact.measurement.rounding.elements import to_e2m1, to_e4m3, to_e5m2
from hubmaxact.measurement.rounding.scales import power_of_two_even, power_of_two_up
from hubmaxact.measurement.rounding.tensors import rounded

pytestmark = [pytest.mark.nightly, pytest.mark.filterwarnings("ignore")]

EVERY = pytest.mark.parametrize("name", TENSORS)
NOT_ZERO = pytest.mark.parametrize("name", [name for name in TENSORS if name != "zeros"])
USUAL = ("random", "heavy tails", "blocks of all sizes", "one massive value")
ORDINARY = pytest.mark.parametrize("name", USUAL)
BELOW_LEAST_SCALE = ("every bf16 value", "zeros", "subnormal")
FP4_TIES = torch.tensor([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0], dtype=torch.float64)
INT8, E4M3, E5M2 = (next(w for w in PER_TENSOR if w.format == name)
                    for name in ("int8", "float8_e4m3fn", "float8_e5m2"))  # fmt: skip


def ours(name, way):
    x = tensor(name)
    return rounded(x, way, x.float().abs().max().item() if way.has_threshold else None).values


def same(found, wanted):
    """Equal but for the sign of zero, which not every tool keeps."""
    return torch.equal(found + 0.0, wanted.float() + 0.0)


def away_from_ties(x, scale):
    """Whether a value over its scale is not next to the middle of two FP4 numbers."""
    place = (x.double() / scale.double()).abs()
    return ((place[..., None] - FP4_TIES).abs() > 1e-5).all(-1)


class TestMlDtypes:
    """Single values, by an implementation that shares no code with torch."""

    @pytest.mark.parametrize(
        ("to", "name"),
        [(to_e4m3, "float8_e4m3fn"), (to_e5m2, "float8_e5m2"), (to_e2m1, "float4_e2m1fn")],
    )
    def test_every_bf16_value(self, to, name):
        ml_dtypes = quantizer("ml_dtypes")
        kind = getattr(ml_dtypes, name)
        largest = float(ml_dtypes.finfo(kind).max)
        x = all_bf16().clamp(-largest, largest)  # beyond, it gives NaN or infinity
        assert torch.equal(to(x), torch.from_numpy(x.numpy().astype(kind).astype(np.float32)))


class TestCompressedTensors:
    """As LLM Compressor calibrates and transformers runs."""

    @pytest.fixture
    def made(self):
        quantization = quantizer("compressed_tensors.quantization")
        forward = quantizer("compressed_tensors.quantization.lifecycle.forward")
        helpers = quantizer("compressed_tensors.quantization.utils.helpers")

        def made(x, *, tensor_scale=None, **facts):
            # A scale for each token needs tokens in the second of three dimensions.
            x = x.float()[None]
            args = quantization.QuantizationArgs(symmetric=True, **facts)
            scale, zero = helpers.compute_dynamic_scales_and_zp(x, args, None, tensor_scale)
            return forward.fake_quantize(x, scale, zero, args, global_scale=tensor_scale)[0]

        return made

    FP8 = {"num_bits": 8, "type": "float"}  # noqa: RUF012 arguments

    @EVERY
    def test_fp8_is_equal(self, made, name):
        x = tensor(name)
        assert same(ours(name, E4M3_TOKEN), made(x, **self.FP8, strategy="token", dynamic=True))
        if x.any():  # else there is no threshold
            assert same(ours(name, E4M3), made(x, **self.FP8, strategy="tensor"))
        grouped = {"strategy": "group", "group_size": 128, "dynamic": True}
        assert same(ours(name, E4M3_BLOCK), made(x, **self.FP8, **grouped))

    @EVERY
    def test_int8_divides_by_127_5_there_and_reaches_128_below_zero(self, made, name):
        x = tensor(name).float()
        theirs = made(x, num_bits=8, type="int", strategy="token", dynamic=True)
        largest = x.abs().amax(1, keepdim=True)

        def divided(by, least):
            scale = largest / by
            scale = torch.where(scale > 0, scale, 1.0)
            return (x / scale).clamp(least, 127).round() * scale

        assert same(theirs, divided(127.5, -128))
        assert same(ours(name, INT8_TOKEN), divided(127, -127))
        if name not in ("zeros", "subnormal"):
            assert not same(theirs, ours(name, INT8_TOKEN))

    @EVERY
    def test_mxfp4_is_equal(self, made, name):
        facts = {"num_bits": 4, "type": "float", "strategy": "group", "group_size": 32}
        theirs = made(tensor(name), **facts, scale_dtype=torch.uint8, dynamic=True)
        finite = theirs.isfinite()  # 2^128 is infinite there
        assert same(ours(name, MXFP4)[finite], theirs[finite])

    def test_scales_of_mx_differ_where_the_largest_value_is_exactly_7_4_of_a_power_of_two(self):
        made = quantizer("compressed_tensors.quantization.utils.mxfp_utils").generate_mx_scales
        x = all_bf16()
        x = x[(x > 2.0**-100) & (x < 2.0**127)]

        def exponent(scale):
            return torch.frexp(scale)[1] - 1 + 127

        assert torch.equal(made(x, 4).int(), exponent(power_of_two_even(x)))
        fraction = torch.frexp(x)[0] * 2
        theirs_is_higher = made(x, 8).int() - exponent(power_of_two_up(x))
        assert torch.equal(theirs_is_higher, (fraction == 1.75).int())

    @NOT_ZERO
    def test_nvfp4_is_equal(self, made, name):
        x = tensor(name)
        facts = {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16}
        quotient = torch.tensor([2688.0]) / x.float().abs().max()
        theirs = made(
            x,
            **facts,
            scale_dtype=torch.float8_e4m3fn,
            dynamic="local",
            # As there, where it is infinite; then every value is rounded to zero.
            tensor_scale=quotient.nan_to_num(posinf=1.0),
        )
        assert same(ours(name, NVFP4), theirs)

    def test_the_scale_of_an_nvfp4_tensor_is_made_there_by_a_reciprocal(self):
        helpers = quantizer("compressed_tensors.quantization.utils.helpers")
        largest = torch.tensor(4.15625)
        theirs = helpers.generate_gparam(-largest, largest)
        assert theirs == 2688.0 * largest.reciprocal()
        assert theirs != torch.tensor(2688.0) / largest
        assert theirs == torch.nextafter(torch.tensor(2688.0) / largest, torch.tensor(torch.inf))


class TestTorchao:
    """As torchao's tensors hold activations."""

    @NOT_ZERO
    @pytest.mark.parametrize(
        ("way", "block"),
        [(E4M3, None), (E5M2, None), (E4M3_TOKEN, 256), (E5M2_TOKEN, 256), (E4M3_BLOCK, 128)],
        ids=lambda way: getattr(way, "name", ""),
    )
    def test_fp8_is_equal(self, way, block, name):
        primitives = quantizer("torchao.quantization.quant_primitives")
        x, kind = tensor(name).float(), getattr(torch, way.format)
        size = x.shape if block is None else (1, block)
        scale = primitives._choose_scale_float8(x, size, kind)
        codes = primitives._quantize_affine_float8(x, scale, kind)
        theirs = primitives._dequantize_affine_float8(codes, scale)
        # Rows whose scale is zero are NaN there.
        assert same(ours(name, way), theirs.nan_to_num(nan=0.0))

    @EVERY
    def test_int8_multiplies_by_a_reciprocal_there_and_has_a_least_scale(self, name):
        primitives = quantizer("torchao.quantization.quant_primitives")
        x, size = tensor(name).float(), (1, 256)
        scale, zero = primitives.choose_qparams_affine(
            x, primitives.MappingType.SYMMETRIC, size, torch.int8, -127, 127, keepdim=True
        )
        codes = primitives.quantize_affine(x, size, scale, zero, torch.int8, -127, 127)
        theirs = primitives.dequantize_affine(codes, size, scale, zero, torch.int8, -127, 127)
        own, least = x.abs().amax(1, keepdim=True) / 127, torch.finfo(torch.float32).tiny
        assert torch.equal(scale, own.clamp(min=least))
        assert same(theirs, (x * (1.0 / scale)).round().clamp(-127, 127) * scale)
        place = (x.double() / scale.double()).abs()
        at_ties = (place - place.floor() - 0.5).abs() < 1e-4
        differs = theirs + 0.0 != ours(name, INT8_TOKEN) + 0.0
        assert not (differs & ~at_ties & (own >= least)).any()
        assert (own >= least).all() == (name not in BELOW_LEAST_SCALE)

    @EVERY
    @pytest.mark.parametrize(("way", "mode"), [(MXFP8, "RCEIL"), (MXFP4, "EVEN")],
                             ids=["mxfp8", "mxfp4"])  # fmt: skip
    def test_mx_is_equal_but_for_blocks_below_the_smallest_scale(self, way, mode, name):
        mx = quantizer("torchao.prototype.mx_formats.mx_tensor")
        kind = torch.float8_e4m3fn if way is MXFP8 else torch.float4_e2m1fn_x2
        x = tensor(name)
        theirs = mx.MXTensor.to_mx(x, kind, scaling_mode=mx.ScaleCalculationMode[mode])
        scale = theirs.scale.view(torch.uint8).repeat_interleave(32, dim=1).int()
        # There, values that the scale of 2^-127 belongs to are not scaled by it.
        has_scale = scale > 0
        values = theirs.dequantize(torch.float32)
        mine = ours(name, way)
        reached = has_scale & values.isfinite()  # 2^128 is infinite there
        assert same(mine[reached], values[reached])
        blocks = x.float().abs().reshape(-1, 32).amax(1)
        made = power_of_two_up(blocks) if way is MXFP8 else power_of_two_even(blocks)
        assert torch.equal(torch.frexp(made)[1] + 126, scale[:, ::32].flatten())
        assert (mine[has_scale & values.isinf()].abs() > 3.4e38).all()

    @NOT_ZERO
    def test_nvfp4_is_equal_but_for_its_floor_and_at_ties(self, name):
        nvfp4 = quantizer("torchao.prototype.mx_formats.nvfp4_tensor")
        x = tensor(name)
        of_tensor = nvfp4.per_tensor_amax_to_scale(x.float().abs().max())
        held = nvfp4.NVFP4Tensor.to_nvfp4(x, per_tensor_scale=of_tensor)
        theirs = held.dequantize(torch.float32)
        scale = held.scale.float().repeat_interleave(16, dim=1)
        alike = away_from_ties(x, scale * of_tensor) & (scale > 2.0**-6)  # its floor
        if name == "subnormal":  # scales of such a tensor are infinite, or zero
            assert not ours(name, NVFP4).any()
            assert theirs.any()
            return
        # Codes are the same; what they are multiplied by is rounded otherwise.
        torch.testing.assert_close(ours(name, NVFP4)[alike], theirs[alike], rtol=3e-7, atol=0.0)
        assert alike.float().mean() > (0.3 if name in USUAL else -1)


class TestModelOptimizer:
    """As Model-Optimizer simulates and exports."""

    @ORDINARY
    def test_fp8_and_int8_multiply_by_the_codes_over_the_largest_value(self, name):
        tools = quantizer("modelopt.torch.quantization.tensor_quant")
        x = tensor(name).float()
        largest = x.abs().amax(1, keepdim=True)
        scale = 448.0 / largest
        codes = (x * scale).clamp(-448, 448).to(torch.float8_e4m3fn).float()
        theirs = tools.scaled_e4m3(x, largest, None, 4, 3)
        assert same(theirs, codes * (1 / scale))
        torch.testing.assert_close(*_where_codes_agree(x, largest / 448, theirs, E4M3_TOKEN, name))
        scale = torch.tensor(127.0) / largest
        theirs = tools.fake_tensor_quant(x, largest)
        assert same(theirs, (x * scale).round().clamp(-127, 127) / scale)
        torch.testing.assert_close(*_where_codes_agree(x, largest / 127, theirs, INT8_TOKEN, name))

    @EVERY
    def test_mxfp8_is_equal(self, name):
        kind = quantizer("modelopt.torch.quantization.qtensor").MXFP8QTensor
        x = tensor(name).float()
        held, scale = kind.quantize(x)
        theirs = held.dequantize(torch.float32, scale=scale)
        finite = theirs.isfinite()  # 2^128 is infinite there
        assert same(ours(name, MXFP8)[finite], theirs[finite])

    @ORDINARY
    def test_mxfp4_rounds_its_scales_up_there_as_ours_of_mxfp8(self, name):
        kind = quantizer("modelopt.torch.quantization.qtensor").MXFP4QTensor
        x = tensor(name).float()
        _, scale = kind.quantize(x, 32)
        blocks = x.abs().reshape(-1, 32).amax(1)
        up = torch.frexp(power_of_two_up(blocks / 6 * 448))[1] + 126
        assert torch.equal(scale.flatten().int(), up)
        even = torch.frexp(power_of_two_even(blocks))[1] + 126
        assert ((up - even == 0) | (up - even == 1)).all()
        assert (up != even).any()

    @ORDINARY
    def test_nvfp4_is_equal_but_for_its_floor_and_at_ties(self, name):
        kind = quantizer("modelopt.torch.quantization.qtensor").NVFP4QTensor
        x = tensor(name).float()
        held, of_block, of_tensor = kind.quantize(x.clone(), 16)
        facts = {"scale": of_block, "double_scale": of_tensor, "block_sizes": {-1: 16}}
        theirs = held.dequantize(torch.float32, **facts)
        scale = of_block.float().repeat_interleave(16, dim=1)
        alike = away_from_ties(x, scale * of_tensor) & (scale > 2.0**-9)  # its floor
        torch.testing.assert_close(ours(name, NVFP4)[alike], theirs[alike], rtol=3e-7, atol=0.0)
        assert alike.float().mean() > 0.3


def _where_codes_agree(x, scale, theirs, way, name):
    """Both tools' values but where a value over its scale is next to a tie of two codes."""
    mine = ours(name, way)
    far = (mine - theirs).abs() > 1e-5 * mine.abs()
    place = (x.double() / scale.double()).abs()[far]
    if way is INT8_TOKEN:
        assert ((place - place.floor() - 0.5).abs() < 1e-4).all()
    else:
        step = torch.exp2(torch.frexp(place)[1].clamp(min=-5).double() - 4)
        assert ((place / step - (place / step).floor() - 0.5).abs() < 1e-4).all()
    return mine[~far], theirs[~far]
