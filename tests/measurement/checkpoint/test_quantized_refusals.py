"""Quantized releases that are not what they say are refused in one sentence, before they load."""

import json
import re

import pytest
import torch
from command import DENSE, hubmaxact_here
from safetensors.torch import load_file, save_file

FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
CARD = "---\nbase_model: alice/base\n---\n# A model\n"
MODULE = "model.layers.3.mlp.up_proj"


@pytest.fixture
def release(tmp_path):
    """A folder in FP8 by blocks, and what writes tensors of another kind into it."""
    folder = tmp_path / "release"
    folder.mkdir()
    for file in DENSE.glob("token*"):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "README.md").write_text(CARD)
    tensors = {}
    for name, weight in load_file(DENSE / "model.safetensors").items():
        if name.endswith("proj.weight"):
            tensors[name] = weight.to(torch.float8_e4m3fn)
            grid = [-(-side // 128) for side in weight.shape]
            tensors[f"{name}_scale_inv"] = torch.ones(grid)
        else:
            tensors[name] = weight

    def write(said=FP8, **changed):
        config = json.loads((DENSE / "config.json").read_text())
        config |= {"quantization_config": said} if said else {}
        (folder / "config.json").write_text(json.dumps(config))
        parts = {f"{MODULE}.{name}": tensor for name, tensor in changed.items()}
        kept = {name: tensor for name, tensor in (tensors | parts).items() if tensor is not None}
        save_file(kept, folder / "model.safetensors")
        return folder

    return write


def refused(folder, words):
    done = hubmaxact_here("measure", folder, "--output", "report.json", cwd=folder.parent)
    lines = [line for line in done.stderr.splitlines() if line.startswith("hubmaxact: ")]
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert len(lines) == 1
    assert re.search(words, lines[0]), lines[0]
    assert not (folder.parent / "report.json").exists()


def test_what_small_files_say_is_refused_with_the_way_out(release):
    for said, words in (
        ({"quant_method": "hqq"}, r"\(hqq\)"),
        ({**FP8, "fmt": "e5m2"}, r"\(fp8 with fmt e5m2\)"),
        ([FP8], r"\(unknown\)"),
        ({"quant_method": {"fp8": 1}}, r"\(an object of 1 field\)"),
    ):
        found = r"weights of release are quantized .*{} not dequantized here.* from, alice/base\."
        refused(release(said), found.format(f"{words}, and that is"))


def test_a_file_of_an_older_tool_speaks_where_the_configuration_does_not(release):
    folder = release(None)
    said = {"quantization": {"quant_algo": "W4A8_AWQ", "kv_cache_quant_algo": "FP8"}}
    (folder / "hf_quant_config.json").write_text(json.dumps(said))
    refused(folder, r"\(modelopt with quant_algo W4A8_AWQ\).*alice/base\.")
    (folder / "hf_quant_config.json").write_text('{"quantization": {"quant_algo": "FP8"}}')
    refused(folder, r"\(modelopt\): \S+\.weight holds codes .*, and their scale is not there\.")


def test_headers_that_do_not_hold_what_is_declared_are_refused(release):
    for changed, words in (
        ({"weight_scale_inv": None}, "holds codes .F8_E4M3., and their scale is not there"),
        ({"weight_scale_inv": torch.ones(1, 1)}, r"scales of shape \(1, 1\), which do not cover"),
        ({"weight_scale_inv": torch.ones(4, 2)}, r"of \(224, 128\) in blocks of \(128, 128\)"),
        ({"weight": torch.ones(224, 128, dtype=torch.int8)}, "stored as I8, and nothing says"),
        ({"pre_quant_scale": torch.ones(128)}, "stands beside codes, and nothing says what it"),
        ({"scale": torch.ones(2, 1)}, "is not the only part of its kind"),
    ):
        start = r"files of release do not hold what config\.json says .*\(fp8\): "
        refused(release(**changed), f"{start}{re.escape(MODULE)}.*{words}.*Download or save")
