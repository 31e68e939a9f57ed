"""`measure --simulate-activations` from files to a report, and `verify` of it."""

import json

import pytest
from command import DENSE, MOE, hubmaxact_here
from quantized.makers import make
from transformers import AutoTokenizer

from hubmaxact.measurement.checkpoint.load import load
from hubmaxact.measurement.checkpoint.weight_files import inspect
from simulation import directly
from simulation.test_sites import FORMATS, in_model

TEXT = "The river froze before the ferry could turn back."
STATIC = "ct-fp8-static"


def measured_in(home, *more):
    """Make a quantized model and measure it."""
    make(STATIC, MOE, home / "model")
    line = json.dumps({"text": TEXT, "domain": "a"})
    (home / "texts.jsonl").write_text(f"{line}\n" * 4)
    result = hubmaxact_here(
        "measure", "model", "--corpus", "texts.jsonl", "--products", "native", *more, cwd=home
    )
    assert result.returncode == 0, result.stderr
    return home


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A folder with a quantized model and its simulated report."""
    return measured_in(tmp_path_factory.mktemp("simulated"), "--simulate-activations")


def read(measured):
    return json.loads((measured / "activation_maxima.json").read_text())


def plain_hooks(measured):
    """The same run by other means, and how many weights are quantized."""
    files = inspect(measured / "model")
    model = load(files, dtype="bfloat16", device="cpu").model
    ids = AutoTokenizer.from_pretrained(measured / "model")(TEXT, return_tensors="pt").input_ids
    quantized = [each.name.removesuffix(".weight") for each in files.stored.weights]
    round_of = dict.fromkeys(in_model(quantized), FORMATS[STATIC][0])
    return directly.Direct().run(model, ids.expand(4, -1), round_of), len(quantized)


def check_sites(report, direct):
    """Hold the largest |x| of each site against what plain hooks saw."""
    whole = ("embedding", "hidden_state", "attention_output", "mlp_output", "final_norm")
    sites = [site for site in report["sites"] if site["role"] in whole]
    assert len(sites) == 26
    for site in sites:
        module = site["module"]
        assert site["abs_max"] == direct.outputs[module].abs().max().item(), module


def test_every_reported_maximum_is_that_of_plain_hooks(measured):
    report, (direct, number) = read(measured), plain_hooks(measured)
    check_sites(report, direct)
    way = {"format": "float8_e4m3fn", "granularity": "per_tensor", "policy": "stored"}
    assert report["protocol"]["simulated_activations"] == [{**way, "maps": number}]
    assert report["schema_version"] == "0.2"


@pytest.mark.nightly
def test_under_profile_deployment_inputs_are_those_before_rounding(tmp_path):
    home = measured_in(tmp_path, "--simulate-activations", "--profile", "deployment")
    report, (direct, _) = read(home), plain_hooks(home)
    check_sites(report, direct)
    assert len(report["linear_inputs"]) == 32
    for row in report["linear_inputs"]:
        name = row["modules"][0].removesuffix(".gate_up_proj")
        assert row["abs_max"] == direct.inputs[name].abs().max().item(), name


@pytest.mark.nightly
def test_without_the_option_nothing_is_rounded(measured, tmp_path):
    plain, simulated = read(measured_in(tmp_path)), read(measured)
    assert "simulated_activations" not in plain["protocol"]
    assert plain["global_max"] != simulated["global_max"]
    assert plain["model"] == simulated["model"]


def verified(measured, report):
    path = measured / "edited.json"
    path.write_text(json.dumps(report))
    return hubmaxact_here("verify", path, "model", "--corpus", "texts.jsonl", cwd=measured)


@pytest.mark.nightly
def test_verify_simulates_again(measured):
    result = verified(measured, read(measured))
    assert result.returncode == 0, result.stdout
    assert "equal bits, same environment" in result.stdout


@pytest.mark.nightly
def test_verify_catches_another_simulation(measured):
    report = read(measured)
    report["protocol"]["simulated_activations"][0]["maps"] -= 1
    result = verified(measured, report)
    assert result.returncode == 1
    assert "simulation" in result.stdout


@pytest.mark.nightly
def test_verify_catches_a_simulation_that_is_not_told(measured):
    report = read(measured)
    del report["protocol"]["simulated_activations"]
    assert verified(measured, report).returncode == 1


def test_a_checkpoint_that_is_not_quantized_is_refused_and_nothing_is_written(tmp_path):
    for more in ((), ("--plan",)):
        result = hubmaxact_here("measure", DENSE, "--simulate-activations", *more, cwd=tmp_path)
        assert result.returncode == 2
        assert "are not quantized, so nothing says that a server rounds" in result.stderr
        assert result.stdout == ""
        assert list(tmp_path.iterdir()) == []
