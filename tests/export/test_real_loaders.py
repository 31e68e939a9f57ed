"""What was exported, through the libraries that take it (`quantizers.txt`)."""

import json

import pytest
from command import MOE
from deployed_reports import tell_headroom
from exported import ALL_MODULES, KEPT, LISTS, export, model_folder, write_report
from quantizers import quantizer

from hubmaxact.engine_files.scale_conventions import INPUT_SCALES
from hubmaxact.scales.number_formats import INT8_127_5

pytestmark = pytest.mark.nightly

KV = "compressed-tensors-kv"
ULP = 2.0**-23


@pytest.fixture(scope="module")
def torch():
    quantizer("compressed_tensors")
    return pytest.importorskip("torch")


@pytest.fixture
def dense(tmp_path):
    return model_folder(tmp_path / "dense")


def with_maxima(folder, maxima):
    """The report beside the model, with these maxima of keys and values by layer, and by head."""
    path = folder / "activation_maxima.json"
    report = json.loads(path.read_bytes())
    for row in report["kv"]:
        for name, peak in zip(("key", "value"), maxima[row["layer"]], strict=True):
            row[name] |= {"abs_max": peak, "per_head": [peak] * row["num_kv_heads"]}
    tell_headroom(report)
    return write_report(path, report)


def run(torch, folder):
    """The model as transformers loads it, which must know every tensor; and what a text gives."""
    from transformers import AutoModelForCausalLM

    model, told = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.bfloat16, output_loading_info=True
    )
    assert not any(told.values()), told
    with torch.no_grad():
        return model, model(torch.arange(5, 69)[None], use_cache=True)


def exported(torch, folder, maxima, *words):
    source = folder.parent / "dense"
    with_maxima(source, maxima)
    done = export(folder.parent, source, KV, "--output", folder, *words)
    assert done.returncode == 0, done.stderr
    return run(torch, folder)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("granularity", ["per_tensor", "per_head"])
def test_transformers_puts_the_scales_on_its_cache(torch, dense, tmp_path, granularity):
    """With the measured scales little changes; with others, which saturate, much does."""
    _, bare = run(torch, dense)
    maxima = [
        (layer.keys.abs().max().item(), layer.values.abs().max().item())
        for layer in bare.past_key_values.layers
    ]
    words = ("--granularity", granularity)
    model, good = exported(torch, tmp_path / "good", maxima, *words)
    shape = (1,) if granularity == "per_tensor" else (2, 1, 1)
    for layer, (key, value) in zip(model.model.layers, maxima, strict=True):
        for scale, peak in ((layer.self_attn.k_scale, key), (layer.self_attn.v_scale, value)):
            assert torch.equal(scale, torch.full(shape, peak / 448).bfloat16())
    smaller = [(key / 64, value) for key, value in maxima]
    _, bad = exported(torch, tmp_path / "bad", smaller, *words)
    off = (good.logits - bare.logits).abs().mean()
    assert 0 < 5 * off < (bad.logits - bare.logits).abs().mean()


@pytest.mark.filterwarnings("default")
@pytest.mark.xfail(strict=True, raises=RuntimeError, reason="transformers wants a config group")
def test_transformers_loads_no_experts_beside_such_a_cache(torch, tmp_path):
    """Where this is mended the note goes, from the export and from its page."""
    model_folder(tmp_path / "moe", MOE, 8)
    done = export(tmp_path, "moe", KV, "--output", "kv")
    assert "loads no experts whose weights it merges" in done.stderr
    run(torch, tmp_path / "kv")


def test_compressed_tensors_ignores_exactly_what_is_meant(torch):
    from compressed_tensors.utils import match_named_modules

    model = torch.nn.Module()
    for name in ALL_MODULES:
        at = model
        for part in name.split("."):
            if not hasattr(at, part):
                at.add_module(part, torch.nn.Linear(1, 1))
            at = getattr(at, part)
    ignore = LISTS["compressed-tensors"]["ignore"]
    left = {name for name, _ in match_named_modules(model, ["Linear"], ignore)}
    experts = {name for name in ALL_MODULES if name.startswith("model.layers.2.mlp.experts")}
    assert set(ALL_MODULES) - left == {*KEPT, "lm_head", *experts}


@pytest.mark.parametrize("number_format", ["fp8", "int8", "nvfp4"])
@pytest.mark.parametrize("abs_max", [0.0078125, 3.0, 11.625, 14.6875, 448.0, 103936.0])
def test_compressed_tensors_works_out_the_same_scale(torch, number_format, abs_max):
    """To the last bit; torch divides a number by a tensor through its reciprocal, one bit off."""
    from compressed_tensors.quantization import QuantizationArgs
    from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam

    peak = torch.tensor([abs_max])
    if number_format == "nvfp4":
        scale = generate_gparam(-peak / 2, peak)
    else:
        kind = "float" if number_format == "fp8" else "int"
        arguments = QuantizationArgs(num_bits=8, type=kind, symmetric=True, strategy="tensor")
        scale, _ = calculate_qparams(-peak / 2, peak, arguments)
    ours = INPUT_SCALES["compressed-tensors", number_format].of(abs_max)
    assert scale.shape == ours.shape
    assert torch.allclose(scale, torch.tensor(ours.values), rtol=ULP, atol=0)


@pytest.mark.filterwarnings("default")
def test_torchao_works_out_the_same_multipliers(torch):
    """NVFP4's is Model-Optimizer's too, FP8's everybody's, INT8's spread compressed-tensors'."""
    quantizer("torchao")
    from torchao.prototype.mx_formats.nvfp4_tensor import per_tensor_amax_to_scale
    from torchao.quantization.quant_primitives import (
        MappingType,
        _choose_scale_float8,
        choose_qparams_affine,
    )

    for abs_max in (0.0078125, 3.0, 11.625, 14.6875, 448.0, 103936.0):
        ours = {name: INPUT_SCALES["modelopt", name].of(abs_max) for name in ("fp8", "nvfp4")}
        peak = torch.tensor([abs_max])
        fp8 = _choose_scale_float8(torch.stack([peak, -peak / 2]), [2, 1])
        assert torch.equal(fp8.flatten(), torch.tensor(ours["fp8"].values))
        both = torch.stack([peak, -peak / 2]).flatten()
        int8, _ = choose_qparams_affine(both, MappingType.SYMMETRIC, (2,), torch.int8)
        assert int8.item() * INT8_127_5.largest == pytest.approx(abs_max, rel=ULP)
        nvfp4 = per_tensor_amax_to_scale(peak)
        assert torch.allclose(nvfp4, torch.tensor(ours["nvfp4"].values), rtol=ULP, atol=0)


@pytest.mark.filterwarnings("default")
def test_transformers_has_a_place_for_the_scales_of_its_own_fp8():
    """For one map, and in one tensor for the experts of a layer."""
    import torch
    from transformers.integrations.finegrained_fp8 import FP8Experts, FP8Linear
    from transformers.models.qwen3_moe.configuration_qwen3_moe import Qwen3MoeConfig

    ours = INPUT_SCALES["transformers", "fp8"]
    linear = FP8Linear(16, 16, block_size=None, activation_scheme="static")
    assert getattr(linear, ours.name).shape == ours.shape
    config = Qwen3MoeConfig(num_experts=4, hidden_size=16, moe_intermediate_size=16)
    experts = FP8Experts(config, block_size=None, activation_scheme="static")
    for module in ("gate_up_proj", "down_proj"):
        scale = dict(experts.named_parameters())[f"{module}_{ours.name}"]
        assert (scale.shape, scale.dtype) == ((4,), torch.float32)
