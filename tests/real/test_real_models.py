"""Small real models through the command line, and what is known of them; `make real` runs this.

`build.py` makes the models and `quantize.py` the copies, both with other people's tools; elsewhere
these tests are skipped.
"""

import json
import os
import re
import shlex
from pathlib import Path

import pytest
from command import hubmaxact
from quantizers import quantizer
from real.build import save
from real.built import model

README = Path(__file__).parents[2] / "README.md"
TEXTS = ("--num-samples", "16", "--max-seq-len", "64")
SPLITS = ("--calibration-samples", "4", "--evaluation-samples", "8")

SMOLLM2 = 26_863
"""M in float32, where rounding decides nothing."""

CHANGED_BY = {"fp8": 0.05, "int8": 0.02, "w4a16": 0.15, "nvfp4": 0.05}
"""By which share of M the weights of a copy change it at most."""

TOLD = {"hidden_state": 103_936, "attention_output": 366}
"""Of Gemma in the README; in bf16, where other processors round otherwise."""

MINILM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Digest of its weights, as the Hub lists them."""

pytestmark = [pytest.mark.nightly, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def report_of(tmp_path):
    """Run `hubmaxact WORDS`, out of reach of the tools that made a checkpoint; its report."""
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    ours = os.pathsep.join(path for path in paths if not (Path(path) / "llmcompressor").exists())

    def report_of(*words):
        words += ("--output", "report.json")
        done = hubmaxact(*words, home=tmp_path, PYTHONPATH=ours)
        assert done.returncode == 0, done.stderr
        return json.loads((tmp_path / "report.json").read_bytes())

    return report_of


@pytest.fixture
def measured(report_of):
    """Measure a checkpoint over few texts; its report."""
    return lambda folder, *options: report_of("measure", folder, *TEXTS, *SPLITS, *options)


def maxima(report):
    return {role: row["value"] for role, row in report["max_by_role"].items()}


def test_gemmas_residual_stream_exceeds_fp16_and_its_parts_do_not(measured):
    report = measured(model("gemma3"))
    assert report["global_max"]["role"] == "hidden_state"
    assert 100_000 < report["global_max"]["abs_max"] < 110_000
    assert report["dtype_headroom"]["float16"]["exceeded"]
    found = maxima(report)
    assert max(abs(found["attention_output"]), abs(found["mlp_output"])) < 400


def test_the_readme_tells_what_its_command_finds(report_of):
    text = README.read_text("utf-8")
    command = re.search(
        r"^\.venv/bin/hubmaxact (measure build/real/gemma3 .*)$", text, re.MULTILINE
    )
    folder = model("gemma3")
    words = [word.replace("build/real/gemma3", str(folder)) for word in shlex.split(command[1])]
    assert words[-2:] == ["--write-into", str(folder)]
    found = maxima(report_of(*words[:-2]))
    for role, told in TOLD.items():
        assert f" {told:,}" in text
        assert abs(found[role]) == pytest.approx(told, rel=0.02)


def test_one_block_of_smollm2_writes_its_peak_into_one_channel(measured):
    report = measured(model("smollm2"), "--dtype", "float32")
    peak, written = report["global_max"], report["max_by_role"]["mlp_output"]
    assert (peak["role"], peak["layer"], peak["channel"]) == ("hidden_state", 11, 507)
    assert peak["abs_max"] == pytest.approx(SMOLLM2, rel=0.001)
    assert (written["layer"], written["value"]) == (11, pytest.approx(peak["value"], rel=0.001))
    assert not report["dtype_headroom"]["float16"]["exceeded"]


def test_minilm_is_measured_as_the_encoder_that_it_is(measured):
    report = measured(model("minilm"))
    assert report["model"]["bidirectional"]
    assert [file["sha256"] for file in report["model"]["weight_files"]] == [MINILM]
    assert 5 < abs(maxima(report)["hidden_state"]) < 20
    assert report["global_max"]["role"] == "mlp_output"  # before the sum, and the norm behind it


def expanded(folder, to):
    """Save a quantized checkpoint as its own package expands it, rounded to bf16."""
    quantizer("compressed_tensors")
    import torch
    from transformers import (
        AutoConfig,
        AutoModelForCausalLM,
        AutoTokenizer,
        CompressedTensorsConfig,
    )

    dense = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=torch.bfloat16,
        quantization_config=CompressedTensorsConfig(dequantize=True),
    )
    config = AutoConfig.from_pretrained(folder)
    del config.quantization_config
    save(dense, config, to)
    AutoTokenizer.from_pretrained(folder).save_pretrained(to)
    return to


@pytest.mark.parametrize("scheme", CHANGED_BY)
class TestQuantized:
    def test_m_is_about_what_it_was(self, measured, scheme):
        report = measured(model(f"smollm2-{scheme}"), "--dtype", "float32")
        changed_by = report["global_max"]["abs_max"] / SMOLLM2 - 1
        assert abs(changed_by) < CHANGED_BY[scheme]

    def test_all_is_what_its_package_expands_it_to(self, measured, tmp_path, scheme):
        folder = model(f"smollm2-{scheme}")
        ours = measured(folder)
        theirs = measured(expanded(folder, tmp_path / "expanded"))
        assert ours["model"]["dequantized_by"] == "hubmaxact"
        told_apart = {name for name in ours if ours[name] != theirs[name]}
        assert told_apart == {"schema_version", "model"}  # what tells of weights came later
