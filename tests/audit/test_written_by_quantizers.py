"""Checkpoints that Model-Optimizer and llm-compressor write by themselves, from calibration on."""

import copy

import pytest
from audit.measured import TEXTS
from audit.written_scales import float32_steps, ours, same, written
from command import DENSE
from quantizers import quantizer

from hubmaxact.engine_files.request import Choices
from hubmaxact.scales.number_formats import FP8, INT8_127, NVFP4
from hubmaxact.shipped_scales.audit import audit

pytestmark = [pytest.mark.nightly, pytest.mark.filterwarnings("ignore")]


def model_and_tokenizer():
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(DENSE, dtype=torch.bfloat16)
    return model.eval(), AutoTokenizer.from_pretrained(DENSE)


def kinds(found):
    return {row.kind: row.convention for row in found.rows}


class TestModelOptimizer:
    """What it calibrates is float32 of the very maximum."""

    @pytest.fixture
    def quantized(self, tmp_path):
        quantization = quantizer("modelopt.torch.quantization")
        import torch
        from modelopt.torch.export import export_hf_checkpoint
        from modelopt.torch.quantization.utils import update_quant_cfg_with_kv_cache_quant

        def quantized(name):
            model, tokenizer = model_and_tokenizer()
            config = update_quant_cfg_with_kv_cache_quant(
                copy.deepcopy(getattr(quantization, name)), quantization.FP8_KV_CFG["quant_cfg"]
            )

            def calibrate(model):
                for text in TEXTS:
                    model(**tokenizer(text, return_tensors="pt"))

            with torch.inference_mode():
                model = quantization.quantize(model, config, calibrate)
            export_hf_checkpoint(model, export_dir=tmp_path)
            return tmp_path

        return quantized

    @pytest.mark.parametrize(
        ("name", "convention"), [("FP8_DEFAULT_CFG", "FP8 E4M3"), ("NVFP4_DEFAULT_CFG", "NVFP4")]
    )
    def test_every_scale_matches(self, measured, quantized, name, convention):
        found = audit(measured, quantized(name))
        assert {row.verdict for row in found.rows} == {"matches"}
        assert {abs(row.ratio - 1) < 1e-6 for row in found.rows} == {True}
        assert kinds(found) == {"input": convention, "key": "FP8 E4M3", "value": "FP8 E4M3"}

    @pytest.mark.parametrize(
        ("name", "number_format"), [("FP8_DEFAULT_CFG", "fp8"), ("NVFP4_DEFAULT_CFG", "nvfp4")]
    )
    def test_what_it_wrote_is_what_is_exported(self, measured, quantized, name, number_format):
        choices = Choices(convention="modelopt", number_format=number_format)
        found = written(quantized(name), "input")
        assert same(found, ours(measured, choices), float32_steps(1))

    @pytest.mark.parametrize(
        ("number_format", "attributes"),
        [
            (FP8, {"num_bits": (4, 3)}),
            (INT8_127, {"num_bits": 8}),
            (NVFP4, {"num_bits": (2, 1), "block_sizes": {-1: 16, "scale_bits": (4, 3)}}),
        ],
        ids=lambda value: getattr(value, "title", None),
    )
    @pytest.mark.parametrize("abs_max", [0.0078125, 11.625, 103936.0])
    def test_a_multiplier_of_its_own_reaches_the_maximum_by_our_limit(
        self, number_format, attributes, abs_max
    ):
        quantizer("modelopt.torch.quantization")
        import torch
        from modelopt.torch.export.quant_utils import get_scaling_factor
        from modelopt.torch.quantization.config import QuantizerAttributeConfig
        from modelopt.torch.quantization.nn import TensorQuantizer

        its = TensorQuantizer(QuantizerAttributeConfig(**attributes))
        its.amax = torch.tensor(abs_max)
        scale = get_scaling_factor(its)
        assert scale.dtype == torch.float32
        assert scale.item() * number_format.largest == pytest.approx(abs_max, rel=float32_steps(1))

    def test_what_it_smoothed_is_compared_channel_by_channel(self, measured_file, quantized):
        found = audit(measured_file, quantized("INT8_SMOOTHQUANT_CFG"))
        inputs = [row for row in found.rows if row.kind == "input"]
        assert {row.verdict for row in inputs} == {"matches"}
        assert {row.convention for row in inputs} == {"INT8 (127)"}

    def test_what_it_smoothed_is_not_compared_without_channels(self, measured, quantized):
        found = audit(measured, quantized("INT8_SMOOTHQUANT_CFG"))
        inputs = [row for row in found.rows if row.kind == "input"]
        assert {row.verdict for row in inputs} == {"not_comparable"}
        assert {row.verdict for row in found.rows if row.kind == "key"} == {"matches"}


CACHE = {"num_bits": 8, "type": "float", "strategy": "tensor", "dynamic": False, "symmetric": True}


class TestLlmCompressor:
    @pytest.fixture
    def quantized(self, tmp_path):
        llmcompressor = quantizer("llmcompressor")
        from datasets import Dataset
        from llmcompressor.modifiers.quantization import QuantizationModifier

        def quantized(**quantization):
            model, tokenizer = model_and_tokenizer()
            llmcompressor.oneshot(
                model=model,
                recipe=[QuantizationModifier(ignore=["lm_head"], **quantization)],
                dataset=Dataset.from_list([dict(tokenizer(text)) for text in TEXTS]),
                num_calibration_samples=len(TEXTS),
                max_seq_length=64,
                processor=tokenizer,
                output_dir=str(tmp_path),
                shuffle_calibration_samples=False,
            )
            return tmp_path

        return quantized

    @pytest.mark.parametrize(
        ("scheme", "convention"), [("FP8", "FP8 E4M3"), ("NVFP4", "NVFP4 (divisor)")]
    )
    def test_every_scale_matches_under_the_same_attention(
        self, measured_eagerly, quantized, scheme, convention
    ):
        cache = {**CACHE, "observer": "static_minmax"}
        folder = quantized(targets="Linear", scheme=scheme, kv_cache_scheme=cache)
        found = audit(measured_eagerly, folder)
        assert {row.verdict for row in found.rows} == {"matches"}
        assert kinds(found) == {"input": convention, "key": "FP8 E4M3", "value": "FP8 E4M3"}

    def test_its_default_for_a_cache_stays_below_and_is_told(self, measured_eagerly, quantized):
        found = audit(measured_eagerly, quantized(kv_cache_scheme=CACHE))
        failed = [row for row in found.rows if row.fails]
        assert failed
        assert all("moving average" in row.detail for row in failed)
