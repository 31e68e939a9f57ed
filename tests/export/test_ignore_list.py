"""Each tool leaves alone the modules that are meant and no other, by its own matching rule."""

import json
import re
from fnmatch import fnmatch
from math import log10

import pytest
from deployed_reports import deployment_report
from exported import ALL_MODULES, KEPT, LISTS, TRAPS, export, write_report
from shipped_reports import QUANTIZED, SIMULATED

from hubmaxact.engine_files.matching_rules import lists_of


def compressed_tensors(name):
    """compressed_tensors.utils.match: an exact name, or re.match."""
    return any(
        re.match(each.removeprefix("re:"), name) if each.startswith("re:") else each == name
        for each in LISTS["compressed-tensors"]["ignore"]
    )


def modelopt_files(name):
    """vLLM's reading of exclude_modules: a glob, or a part of the name."""
    each = LISTS["modelopt"]["exclude_modules"]
    return any(fnmatch(name, glob) or glob in name for glob in each)


def modelopt_globs(name):
    """Everybody else's reading of it: a glob."""
    return any(fnmatch(name, glob) for glob in LISTS["modelopt"]["exclude_modules"])


def modelopt_quantizers(name):
    """modelopt's set_quantizer_by_cfg: globs over names of quantizers."""
    rows = LISTS["modelopt"]["quant_cfg"]
    assert all(row["enable"] is False for row in rows)
    return any(fnmatch(f"{name}.input_quantizer", row["quantizer_name"]) for row in rows)


def transformers(name):
    """transformers.quantizers.quantizers_utils.should_convert_module, itself."""
    from transformers.quantizers.quantizers_utils import should_convert_module

    return not should_convert_module(name, LISTS["transformers"]["modules_to_not_convert"])


def torchao(name):
    """torchao.quantization.quant_api.fqn_matches_fqn_config: an exact name, or re.fullmatch."""
    keys = LISTS["torchao"]["fqn_to_config"]
    assert set(keys.values()) == {None}
    return name in keys or any(re.fullmatch(key[3:], name) for key in keys if key.startswith("re:"))


@pytest.mark.parametrize(
    "leaves",
    [
        compressed_tensors,
        modelopt_files,
        modelopt_globs,
        modelopt_quantizers,
        transformers,
        torchao,
    ],
)
def test_exactly_the_modules_that_are_meant_are_left_alone(leaves):
    experts = [name for name in ALL_MODULES if name.startswith("model.layers.2.mlp.experts")]
    assert [name for name in ALL_MODULES if leaves(name)] == sorted(
        [*KEPT, *experts, "lm_head"], key=ALL_MODULES.index
    )


@pytest.mark.parametrize(
    ("leaves", "traps"),
    [
        (compressed_tensors, TRAPS),
        (modelopt_globs, TRAPS),
        (modelopt_quantizers, TRAPS),
        (transformers, TRAPS[:2]),  # to it a dot is any character
        (torchao, TRAPS),
    ],
)
def test_names_that_only_begin_alike_are_quantized(leaves, traps):
    """vLLM is not asked of Model-Optimizer's files: to it a part of a name is enough."""
    assert [name for name in traps if leaves(name)] == []


def test_without_any_module_the_head_is_left_alone():
    found = lists_of([], [])
    assert found["transformers"] == {"modules_to_not_convert": ["lm_head"]}
    assert found["compressed-tensors"] == {"ignore": ["lm_head"]}


@pytest.fixture
def source(tmp_path):
    report = deployment_report(3)
    for position, share in ((5, 0.001), (2, 0.0001), (8, 0.05)):
        row = report["linear_inputs"][position]
        row["rms"] = share * row["abs_max"]
        row["abs_quantiles"] = dict.fromkeys(row["abs_quantiles"], 0.0)
    return write_report(tmp_path / "report.json", report)


def test_the_worst_come_first_and_all_maps_of_an_input_together(tmp_path, source):
    done = export(tmp_path, source, "ignore-list", "--output", "made")
    first, _ = done.stderr.splitlines()
    assert first.startswith("2 of 12 inputs are below 20 dB in int8/per_tensor/max_abs, estimated")
    assert first.endswith("; lm_head is always kept.")
    found = json.loads((tmp_path / "made").read_bytes())
    layers = [(row["layer"], row["modules"][0]) for row in found["kept_wide"]]
    gate, o_proj = "model.layers.0.mlp.gate_proj", "model.layers.1.self_attn.o_proj"
    assert layers == [(0, gate), (1, o_proj)]
    rms, peak = 0.0001, 1.0
    noise = (peak / 127) ** 2 / 12
    assert found["kept_wide"][0]["sqnr_db"] == round(10 * log10(rms**2 / noise), 2)
    names = [gate, "model.layers.0.mlp.up_proj", o_proj]
    assert found["compressed-tensors"]["ignore"] == ["lm_head", *names]
    assert list(found["torchao"]["fqn_to_config"]) == ["lm_head", *names]


def test_the_limit_is_chosen(tmp_path, source):
    done = export(tmp_path, source, "ignore-list", "--output", "made", "--below-db", "30")
    assert done.stderr.startswith("3 of 12 inputs are below 30 dB")


def test_a_simulated_run_is_told_of(tmp_path):
    protocol = {"simulated_activations": SIMULATED}
    for merges, is_told in (({}, False), ({"model": QUANTIZED, "protocol": protocol}, True)):
        source = write_report(tmp_path / "report.json", deployment_report(rounded=True, **merges))
        done = export(tmp_path, source, "ignore-list", "--output", "made")
        assert done.returncode == 0, done.stderr
        assert ("simulated: what was written is of that run" in done.stderr) == is_told
