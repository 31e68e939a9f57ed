"""Every format as a release has it, through the command line: from a folder and from the Hub."""

import json
import os
import subprocess
import sys

import pytest
from loopback_hub import LoopbackHub
from loopback_hub.client import environment
from quantized.checkpoint import read
from quantized.makers import MAKERS, make
from quantized.own_models import MAKERS as OWN
from quantized.plainly import FEW, SAID, measured, plainly

from hubmaxact.report.read import read_report

pytestmark = pytest.mark.nightly

ONE_BY_ONE = """
import json, sys
from hubmaxact.cli.main import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["hubmaxact", *words]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
"""
"""Commands in one process, which imports everything once; it ends with the first that fails."""


@pytest.mark.parametrize("name", MAKERS)
def test_with_experts(name, short, tmp_path):
    check(name, short, tmp_path)


@pytest.mark.parametrize("name", sorted(MAKERS.keys() - OWN))
def test_without_experts(name, short_dense, tmp_path):
    check(name, short_dense, tmp_path)


def check(name, base, tmp_path):
    """Measured as the weights stored plainly; on the Hub too, pushed, verified and valid."""
    folder = make(name, base, tmp_path / "quantized")
    of_folder, done = measured(folder)
    assert "weights dequantized, activations in bf16" in done.stdout
    plain, _ = measured(plainly(folder, tmp_path / "plain"))
    assert {key for key in of_folder if of_folder[key] != plain[key]} == {"schema_version", "model"}
    assert of_folder["model"]["weights_quantization"] == method_of(folder)
    assert of_folder["model"]["dequantized_by"] == "hubmaxact"

    of_hub = pushed(folder, tmp_path)
    assert {key for key in of_hub if of_hub[key] != of_folder[key]} == {"model"}
    whose = {"id", "revision", "commit"}
    differing = {key for key, value in of_hub["model"].items() if of_folder["model"][key] != value}
    assert differing == whose


def method_of(folder):
    """What a release calls its quantization; an older one of Model-Optimizer says it elsewhere."""
    said = SAID & (config := read(folder).config).keys()
    return config[said.pop()]["quant_method"] if said else "modelopt"


def pushed(folder, tmp_path):
    """The report of the same files on the Hub, after they were verified."""
    home = tmp_path / "home"
    home.mkdir()
    with LoopbackHub() as hub:
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        hub.create_repo("alice/quantized", files=files)
        every = [
            ["measure", "alice/quantized", *FEW],
            ["validate", "activation_maxima.json"],
            ["push", "activation_maxima.json", "alice/quantized"],
            ["verify", "alice/quantized"],
        ]
        # Without this, Intel's BLAS rounds by where a process happens to keep its tensors.
        rounds_alike = {"MKL_CBWR": os.environ["MKL_CBWR"]}
        done = subprocess.run(
            [sys.executable, "-c", ONE_BY_ONE, json.dumps(every)],
            env=environment(hub, home) | rounds_alike,
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return read_report(home / "activation_maxima.json")
