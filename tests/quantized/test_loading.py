"""A quantized release is loaded and measured as the same weights, stored plainly in bf16, are."""

import csv
import re

import pytest
import torch
from catalog_reports import rows_in
from command import DENSE, hubmaxact_here
from loopback_hub import LoopbackHub, run_cli
from quantized.checkpoint import read, write
from quantized.makers import MAKERS, make
from quantized.plainly import FEW, measured, plainly

from hubmaxact.measurement.checkpoint.load import load
from hubmaxact.measurement.checkpoint.weight_files import inspect
from hubmaxact.report.read import read_report

DAILY = {
    "fp8", "fp8-scale", "fp8-tensor", "ct-w8a8-asymmetric", "ct-int3-asymmetric", "ct-nvfp4",
    "ct-mixed", "modelopt-nvfp4-older", "gptq-act-order", "awq", "bnb-nf4-double", "bnb-int8",
    "gpt-oss-mxfp4", "deepseek-v4",
}  # fmt: skip
"""At least one for each formula; all others by night."""


@pytest.mark.by_day(
    "fp8",
    "ct-w8a8-asymmetric",
    "ct-int3-asymmetric",
    "ct-nvfp4",
    "gptq-act-order",
    "awq",
    "bnb-nf4-double",
    "bnb-int8",
    "gpt-oss-mxfp4",
)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in DAILY else pytest.mark.nightly) for n in MAKERS]
)
def test_every_format_loads_as_its_weights_stored_plainly(short, tmp_path, name):
    compare(make(name, short, tmp_path / "quantized"), tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("name", MAKERS)
def test_every_format_without_experts_too(tmp_path, name):
    compare(make(name, DENSE, tmp_path / "quantized"), tmp_path)


def compare(folder, tmp_path):
    """A quantized release loads to the very weights of its plain one."""
    found = load(inspect(folder), device="cpu")
    expected = load(inspect(plainly(folder, tmp_path / "plain")), device="cpu", dtype="bfloat16")
    state = found.model.state_dict()
    assert found.dtype == "bfloat16"
    assert state.keys() == expected.model.state_dict().keys()
    for key, weight in expected.model.state_dict().items():
        assert torch.equal(state[key], weight), key


def test_the_report_of_a_folder_is_that_of_the_weights_stored_plainly(short_dense, tmp_path):
    folder = make("ct-fp8-static", short_dense, tmp_path / "quantized")
    report, done = measured(folder)
    plain, _ = measured(plainly(folder, tmp_path / "plain"))
    differing = {key for key in report if report[key] != plain[key]}
    assert differing == {"model"}
    model = report["model"]
    assert model["weights_quantization"] == "compressed-tensors"
    assert model["dequantized_by"] == "hubmaxact"
    maps = 7 * model["num_layers"]
    assert model["stored_weights"] == [{"storage": "scaled", "weights": maps}]
    assert model["activation_scales"] == [{"name": "input_scale", "tensors": maps}]
    assert "weights dequantized, activations in bf16" in done.stdout


def test_a_release_on_the_hub_is_measured_pushed_and_verified_like_any_other(short, tmp_path):
    folder = make("ct-nvfp4", short, tmp_path / "quantized")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    with LoopbackHub() as hub:
        hub.create_repo("alice/quantized", files=files)
        done = run_cli(["measure", "alice/quantized", *FEW], hub, tmp_path)
        assert done.code == 0, done.said
        report = read_report(tmp_path / "activation_maxima.json")
        assert [file["path"] for file in report["model"]["weight_files"]] == ["model.safetensors"]
        for words in (
            ["push", "activation_maxima.json", "alice/quantized"],
            ["verify", "alice/quantized"],
            ["catalog", "build", "--from-hub", "--no-paper", "--output", "catalog"],
            ["catalog", "export", "page", "--index", "catalog"],
        ):
            done = run_cli(words, hub, tmp_path)
            assert done.code == 0, done.said
    (row,) = rows_in(tmp_path / "catalog").values()
    assert row["name"] == "alice/quantized"
    assert row["trust"] == "current"
    assert row["weights_quantization"] == "compressed-tensors"
    assert row["dequantized"] is True
    assert row["abs_max"] == report["global_max"]["abs_max"]
    download = (tmp_path / "page" / "download" / "all.csv").read_text("utf-8").splitlines()
    (shown,) = csv.DictReader(download)
    assert (shown["name"], shown["weights_quantization"]) == (
        "alice/quantized",
        "compressed-tensors",
    )
    assert float(shown["abs_max"]) == row["abs_max"]


def edited(name, tmp_path, edit):
    """A quantized dense checkpoint whose tensors were changed."""
    folder = make(name, DENSE, tmp_path / "quantized")
    found = read(folder)
    edit(found.tensors)
    write(found, folder, DENSE)
    return folder


MODULE = "model.layers.1.mlp.up_proj"


def not_a_number(tensors):
    tensors[f"{MODULE}.weight_scale_inv"][0, 0] = torch.nan


def no_scale(tensors):
    del tensors[f"{MODULE}.weight_scale_inv"]


def short_grid(tensors):
    scale = tensors[f"{MODULE}.weight_scale_inv"]
    tensors[f"{MODULE}.weight_scale_inv"] = scale.repeat(2, 3)


def codes_of_nothing(tensors):
    tensors["model.layers.1.mlp.extra"] = torch.zeros(4, 4).to(torch.float8_e4m3fn)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (not_a_number, f"{MODULE}.weight_scale_inv .*NaN or infinite"),
        (no_scale, f"{MODULE}.weight .*scale is not there"),
        (short_grid, f"{MODULE}.weight .*"),
        (codes_of_nothing, "model.layers.1.mlp.extra .*nothing says"),
    ],
)
def test_what_does_not_fit_together_is_one_sentence(tmp_path, edit, said):
    folder = edited("fp8", tmp_path, edit)
    done = hubmaxact_here("measure", folder, *FEW, cwd=tmp_path)
    (line,) = [each for each in done.stderr.splitlines() if each.startswith("hubmaxact: ")]
    assert done.returncode == 2
    assert re.search(said, line), line
    assert not (tmp_path / "activation_maxima.json").exists()
