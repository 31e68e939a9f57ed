"""Scales of keys and values: by every name, of every head, missing, or never calibrated."""

import copy

import pytest
from audit import checkpoints as made
from deployed_reports import tell_headroom

from hubmaxact.shipped_scales.audit import audit

ATTENTION = "model.layers.0.self_attn"  # its keys reach 600, its values 3.5
DENSE = {"quant_method": "compressed-tensors", "format": "dense", "config_groups": {}}
SAID = {**DENSE, "kv_cache_scheme": made.scheme(8, "float")}


@pytest.fixture
def report():
    return made.deployment_report()


def cache_of(report, key="k_scale", value="v_scale"):
    """Scales of the cache alone, as they are added to weights that stay as they are."""
    tensors = {"model.embed_tokens.weight": made.zeros("BF16", 4, 4)}
    for attention, (keys, values) in made.caches(report).items():
        tensors[f"{attention}.{key}"] = made.scalar([keys / 448], "F32")
        tensors[f"{attention}.{value}"] = made.scalar([values / 448], "F32")
    return tensors


def verdicts(found, module=ATTENTION):
    return {row.kind: row.verdict for row in found.rows if row.module == module}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("k_scale", "v_scale"),
        ("k_proj.k_scale", "v_proj.v_scale"),
        ("qkv_proj.k_scale", "qkv_proj.v_scale"),
        ("k_proj.output_scale", "v_proj.output_scale"),
        ("k_cache.scale", "v_cache.scale"),
    ],
)
def test_every_name_leads_to_the_attention(tmp_path, report, key, value):
    found = audit(report, made.write(tmp_path / "q", cache_of(report, key, value), SAID))
    assert verdicts(found) == {"key": "matches", "value": "matches"}
    assert len(found.rows) == 4


def test_one_scale_for_keys_and_values_is_held_against_both(tmp_path, report):
    tensors = {f"{module}.kv_scale": made.scalar(0.5) for module in made.caches(report)}
    found = audit(report, made.write(tmp_path / "q", tensors, SAID))
    assert verdicts(found) == {"key": "saturates", "value": "fits"}


def test_each_head_has_its_own_number(tmp_path, report):
    tensors = cache_of(report)
    row = report["kv"][0]
    scales = [head / 448 for head in row["key"]["per_head"]]
    tensors[f"{ATTENTION}.k_scale"] = made.scalar([scales[0], scales[1] / 2], "F32", (2, 1, 1))
    found = audit(report, made.write(tmp_path / "q", tensors, SAID))
    heads = [r for r in found.rows if (r.module, r.kind) == (ATTENTION, "key")]
    assert [(r.element, r.verdict) for r in heads] == [(0, "matches"), (1, "saturates")]
    assert heads[1].measured == row["key"]["per_head"][1]
    assert found.notes == ()  # heads need not agree


def test_without_single_heads_each_number_is_held_against_all_of_them(tmp_path, report):
    """A large report leaves single heads out."""
    tensors, row = cache_of(report), report["kv"][0]
    whole = row["key"]["abs_max"]
    row["key"]["per_head"] = None
    for each in report["linear_inputs"]:
        each["block_max_quantiles"] = None
    tensors[f"{ATTENTION}.k_scale"] = made.scalar([whole / 448, whole / 896], "F32", (2, 1, 1))
    found = audit(report, made.write(tmp_path / "q", tensors, SAID))
    heads = [r for r in found.rows if (r.module, r.kind) == (ATTENTION, "key")]
    assert [(r.element, r.verdict) for r in heads] == [(0, "matches"), (1, "saturates")]
    assert [r.measured for r in heads] == [whole, whole]
    assert verdicts(audit(report, made.write(tmp_path / "one", cache_of(report), SAID))) == {
        "key": "matches",
        "value": "matches",
    }


def test_as_many_numbers_as_there_are_no_heads_are_not_compared(tmp_path, report):
    tensors = cache_of(report)
    tensors[f"{ATTENTION}.k_scale"] = made.scalar([1.0, 1.0, 1.0])
    found = audit(report, made.write(tmp_path / "q", tensors, SAID))
    (row,) = [row for row in found.rows if row.tensor == f"{ATTENTION}.k_scale"]
    assert (row.verdict, row.scale) == ("not_comparable", None)
    assert row.detail == "it holds 3 numbers, and was measured whole"


def test_an_unscaled_cache_saturates_where_keys_exceed_its_range(tmp_path, report):
    tensors = {
        f"{m}.{n}": made.scalar(1.0) for m in made.caches(report) for n in ("k_scale", "v_scale")
    }
    found = audit(report, made.write(tmp_path / "q", tensors, SAID))
    assert verdicts(found) == {"key": "saturates", "value": "not_calibrated"}
    assert verdicts(found, "model.layers.1.self_attn")["key"] == "not_calibrated"
    assert not found.passed


def test_a_scale_that_is_promised_and_not_there_is_one(tmp_path, report):
    """Engines put 1.0 in its place without a word."""
    tensors = {"model.embed_tokens.weight": made.zeros("BF16", 4, 4)}
    found = audit(report, made.write(tmp_path / "q", tensors, SAID))
    assert verdicts(found) == {"key": "saturates", "value": "missing"}
    assert {row.tensor for row in found.rows} == {None}
    assert "engines take 1.0" in found.rows[0].detail
    dynamic = {**DENSE, "kv_cache_scheme": made.scheme(8, "float", dynamic=True)}
    assert audit(report, made.write(tmp_path / "q", tensors, dynamic)).rows == ()


def test_int8_caches_are_told_by_who_wrote_them(tmp_path, report):
    for said, limit in (
        ({"quant_method": "modelopt", "kv_cache_scheme": "INT8"}, 127.0),
        ({**DENSE, "kv_cache_scheme": made.scheme(8, "int")}, 127.5),
    ):
        tensors = {f"{ATTENTION}.k_scale": made.scalar(600 / limit)}
        (row,) = audit(report, made.write(tmp_path / "q", tensors, said)).rows
        assert (row.verdict, row.convention) == ("matches", f"INT8 ({limit:g})")


def test_a_cache_in_a_format_whose_scale_changed_its_meaning_is_not_judged(tmp_path, report):
    said = {"quant_method": "modelopt", "kv_cache_scheme": "NVFP4"}
    found = audit(report, made.write(tmp_path / "q", cache_of(report), said))
    assert {row.verdict for row in found.rows} == {"unknown_convention"}


def test_one_scale_serves_a_latent_and_its_rotary_key(tmp_path, report):
    latent = copy.deepcopy(report)
    for row in latent["kv"]:
        row |= {"kind": "latent", "num_kv_heads": 1}
        for kind, reached in (("key", 40.0), ("value", 90.0)):
            row[kind] |= {"abs_max": reached, "per_head": [reached]}
    tell_headroom(latent)
    tensors = {f"{ATTENTION}.{n}": made.scalar(90 / 448) for n in ("k_scale", "v_scale")}
    found = audit(latent, made.write(tmp_path / "q", tensors, {"quant_method": "modelopt"}))
    assert verdicts(found) == {"key": "matches", "value": "not_measured"}


def test_a_moving_average_is_told_and_is_no_error(tmp_path, report):
    tensors = cache_of(report)
    tensors[f"{ATTENTION}.k_scale"] = made.scalar([300 / 448])
    for observer, verdict, passed in (
        ("minmax", "on_purpose", True),
        ("mse", "on_purpose", True),
        ("static_minmax", "saturates", False),
        (None, "saturates", False),
    ):
        said = {**DENSE, "kv_cache_scheme": made.scheme(8, "float", observer)}
        found = audit(report, made.write(tmp_path / "q", tensors, said))
        assert (verdicts(found)["key"], found.passed) == (verdict, passed), observer
        (row,) = [row for row in found.rows if row.verdict == verdict]
        assert ("moving average" in row.detail) == (observer is None)
