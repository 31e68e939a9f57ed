"""What a format wants and a report does not hold is refused by name: one sentence, exit code 2."""

import copy
import json

import example_reports
import pytest
from deployed_reports import deployment_report
from exported import export, write_report

from hubmaxact.engine_files.table import FORMATS

KV = ("compressed-tensors-kv", "sglang-kv-json", "onnxruntime-genai-kv")
INPUTS = ("ignore-list", "input-scales")


def refused(folder, report, to, *words):
    source = write_report(folder / "report.json", report)
    done = export(folder, source, to, "--output", "made", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert not (folder / "made").exists()
    return done.stderr


@pytest.mark.parametrize("to", [*KV, *INPUTS])
def test_a_report_of_the_paper_lacks_what_kernels_see(tmp_path, to):
    missing = "kv" if to in KV else "linear_inputs"
    told = refused(tmp_path, example_reports.small_report(), to)
    assert f"({missing})" in told
    assert "--profile deployment" in told


def test_openvino_takes_one_and_says_what_it_did_not_see(tmp_path):
    source = write_report(tmp_path / "report.json", example_reports.huge_report())
    done = export(tmp_path, source, "openvino", "--output", "made")
    assert done.returncode == 0
    assert "does not watch what linear maps read" in done.stderr


CHANNELS = [("smoothquant",), ("imatrix",), (KV[2], "--granularity", "per_channel")]


@pytest.mark.parametrize("words", CHANNELS)
def test_what_needs_channels_needs_the_file_beside_the_report(tmp_path, words):
    report = deployment_report(model={"model_type": "qwen3"})
    told = refused(tmp_path, report, *words)
    assert "channels.safetensors, which the report of" in told
    assert "does not lie beside it" in told
    report["sidecars"] = []
    assert "names no channels.safetensors" in refused(tmp_path, report, *words)


@pytest.mark.parametrize("words", CHANNELS)
def test_a_report_of_the_paper_has_no_channels(tmp_path, words):
    report = example_reports.small_report(model={"model_type": "qwen3"})
    assert "--profile deployment" in refused(tmp_path, report, *words)


def test_model_optimizers_int8_needs_channels(tmp_path):
    words = ("--convention", "modelopt", "--number-format", "int8")
    assert "pre_quant_scale" in refused(tmp_path, deployment_report(), "input-scales", *words)
    words = ("--convention", "transformers", "--number-format", "nvfp4")
    told = refused(tmp_path, deployment_report(), "input-scales", *words)
    assert "transformers has no static input scale of nvfp4" in told


def broken(**changes):
    """A report whose second layer's cache is changed."""
    report = deployment_report()
    report["kv"][1] |= changes
    return report


@pytest.mark.parametrize("to", KV)
def test_a_latent_is_no_head(tmp_path, to):
    latent = broken(kind="latent", num_kv_heads=1)
    for name in ("key", "value"):
        latent["kv"][1][name]["per_head"] = latent["kv"][1][name]["per_head"][:1]
    latent["kv"][1]["key"]["abs_max"] = latent["kv"][1]["key"]["per_head"][0]
    latent["kv"][1]["value"]["abs_max"] = latent["kv"][1]["value"]["per_head"][0]
    assert "caches a latent and a rotary key" in refused(tmp_path, latent, to)


@pytest.mark.parametrize("to", KV)
def test_keys_that_were_not_finite_have_no_scale(tmp_path, to):
    report = deployment_report()
    report["kv"][1]["key"]["num_nan"] = 3
    report["status"] = "non_finite"
    told = refused(tmp_path, report, to)
    assert "the keys of model.layers.1.self_attn held NaN or infinity" in told


@pytest.mark.parametrize("to", [*INPUTS, "openvino"])
def test_inputs_that_were_not_finite_have_no_scale(tmp_path, to):
    report = deployment_report()
    report["linear_inputs"][5]["num_nan"] = 3
    report["status"] = "non_finite"
    assert "held NaN or infinity" in refused(tmp_path, report, to)


@pytest.mark.parametrize("to", KV)
def test_a_cache_that_was_not_seen_is_named(tmp_path, to):
    report = deployment_report()
    row = report["kv"].pop(1)
    for role in ("key", "value"):
        report["coverage"][role]["fired"] -= 1
        report["coverage"]["missing"].append(
            {
                "role": role,
                "layer": 1,
                "part": None,
                "module": row["module"],
                "reason": "never fired",
            }
        )
    report["coverage"]["query"] |= {"expected": 1, "fired": 1, "absent": 1}
    report["status"] = "partial"
    told = refused(tmp_path, report, to)
    assert "misses key of model.layers.1.self_attn: never fired" in told


def test_a_layer_without_a_cache_of_its_own_is_none_for_sglang(tmp_path):
    report = deployment_report()
    report["kv"].pop(1)
    for role in ("key", "value", "query"):
        report["coverage"][role] |= {"expected": 1, "fired": 1, "absent": 1}
    assert "layer 1 has no cache of its own" in refused(tmp_path, report, "sglang-kv-json")
    export(tmp_path, tmp_path / "report.json", "onnxruntime-genai-kv", "--output", "made")
    assert json.loads((tmp_path / "made").read_bytes())["layer_ids"] == [0]


@pytest.mark.parametrize("to", KV[1:])
def test_two_caches_of_a_layer_have_no_place_in_one(tmp_path, to):
    report = deployment_report()
    second = copy.deepcopy(report["kv"][1])
    report["kv"][1]["part"], second["part"] = "first", "second"
    second["module"] += ".second"
    report["kv"].append(second)
    for role in ("key", "value", "query"):
        report["coverage"][role] |= {"expected": 3, "fired": 3}
    assert "layer 1 has two caches" in refused(tmp_path, report, to)


def test_heads_that_cannot_be_dealt_out_are_counted(tmp_path):
    words = ("--tensor-parallel", "3")
    told = refused(tmp_path, deployment_report(), "sglang-kv-json", *words)
    assert "2 heads of layer 0 cannot be dealt out to 3 ranks" in told


def test_fused_experts_of_other_names_are_not_guessed(tmp_path):
    report = deployment_report(2, 4)
    row = next(r for r in report["linear_inputs"] if "experts" in r["modules"][0])
    row["modules"] = [row["modules"][0].replace("gate_up_proj", "w13")]
    told = refused(tmp_path, report, "input-scales")
    assert "experts.w13 is a weight of fused experts" in told


def test_experts_whose_inputs_were_not_measured_are_named(tmp_path):
    report = deployment_report(2, 4)
    report["experts"][1]["down_input"] = None
    report["coverage"]["expert_down_input"] |= {"expected": 1, "fired": 1, "absent": 1}
    assert "experts[].down_input" in refused(tmp_path, report, "input-scales")


@pytest.mark.parametrize("to", sorted(set(FORMATS) - {"compressed-tensors-kv"}))
def test_what_is_no_choice_of_a_format_is_refused(tmp_path, to):
    choices = {
        "granularity": "per_head",
        "tensor_parallel": "2",
        "cache_type": "fp8",
        "convention": "modelopt",
        "number_format": "fp8",
        "below_db": "3",
        "rounding": "int8",
    }
    for name, value in choices.items():
        if name not in FORMATS[to].choices:
            option = "--" + name.replace("_", "-")
            told = refused(tmp_path, deployment_report(), to, option, value)
            assert f"{option} is not for {to}" in told


def test_a_file_has_no_checkpoint(tmp_path):
    told = refused(tmp_path, deployment_report(), "openvino", "--checkpoint", ".")
    assert "openvino is a file" in told


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_decibels_are_a_number(tmp_path, value):
    told = refused(tmp_path, deployment_report(), "ignore-list", "--below-db", value)
    assert "no number of decibels" in told
