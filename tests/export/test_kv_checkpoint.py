"""A checkpoint with scales for its cache: beside the measured one or in it, weights untouched."""

import hashlib
import json
import os
import shutil
import struct

import pytest
from exported import NUM_LAYERS, export, model_folder, report_of, tensors_of, write_report

from hubmaxact.engine_files.changed_checkpoint import changed, steps_into
from hubmaxact.engine_files.compressed_tensors_kv import make
from hubmaxact.engine_files.request import Choices, Measured
from hubmaxact.recognition.safetensors_header import read_header

KV = "compressed-tensors-kv"
SHARD, INDEX, CONFIG = "model-kv-scales.safetensors", "model.safetensors.index.json", "config.json"
SINGLE, RENAMED = "model.safetensors", "model-00001-of-00001.safetensors"


@pytest.fixture
def dense(tmp_path):
    return model_folder(tmp_path / "dense")


def read(path):
    return json.loads(path.read_text("utf-8"))


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def state(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def sharded(folder):
    """The same model in two files with an index."""
    content = (folder / SINGLE).read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    weight_map, names = {}, sorted(header)
    for part, chosen in enumerate((names[:40], names[40:]), 1):
        own, tensors = {}, b""
        for name in chosen:
            begin, end = header[name]["data_offsets"]
            own[name] = header[name] | {"data_offsets": [len(tensors), len(tensors) + end - begin]}
            tensors += content[8 + length + begin : 8 + length + end]
            weight_map[name] = f"model-0000{part}-of-00002.safetensors"
        text = json.dumps(own).encode()
        (folder / weight_map[chosen[0]]).write_bytes(
            len(text).to_bytes(8, "little") + text + tensors
        )
    (folder / SINGLE).unlink()
    index = {"metadata": {"total_size": 7, "x": "y"}, "weight_map": weight_map}
    (folder / INDEX).write_text(json.dumps(index))
    weights = {name: (folder / name).read_bytes() for name in set(weight_map.values())}
    write_report(folder / "activation_maxima.json", report_of(dict(sorted(weights.items()))))
    return folder


def test_a_folder_of_links_gets_a_shard_an_index_and_a_configuration(dense, tmp_path):
    (dense / ".gitattributes").write_text("*.safetensors filter=lfs\n")
    before = state(dense)
    done = export(tmp_path, dense, KV, "--output", "kv")
    assert (done.returncode, done.stdout, done.stderr) == (0, "kv\n", "")
    new = tmp_path / "kv"
    written = {path.name for path in new.iterdir() if not path.is_symlink()}
    assert written == {SHARD, INDEX, CONFIG}
    assert os.path.realpath(new / RENAMED) == str(dense / SINGLE)
    assert not (new / SINGLE).exists()
    assert not (new / ".gitattributes").exists()
    assert os.path.realpath(new / "tokenizer.json") == str(dense / "tokenizer.json")
    assert state(dense) == before
    scales, metadata = tensors_of((new / SHARD).read_bytes())
    report = read(dense / "activation_maxima.json")
    assert scales == {
        f"model.layers.{row['layer']}.self_attn.{name}_scale": (
            [1],
            (f32(row[kind]["abs_max"] / 448),),
        )
        for row in report["kv"]
        for name, kind in (("k", "key"), ("v", "value"))
    }
    digest = hashlib.sha256((dense / "activation_maxima.json").read_bytes()).hexdigest()
    assert metadata == {"format": "pt", "made_by": "hubmaxact export", "report_sha256": digest}
    index = read(new / INDEX)
    assert index["weight_map"] == {
        **dict.fromkeys(read_header(dense / SINGLE), RENAMED),
        **dict.fromkeys(scales, SHARD),
    }
    config = read(new / CONFIG)
    scheme = config.pop("quantization_config")
    assert config == read(dense / CONFIG)
    assert (scheme["quant_method"], scheme["config_groups"]) == ("compressed-tensors", {})
    assert scheme["kv_cache_scheme"]["strategy"] == "tensor"


def test_scales_of_each_head_have_three_dimensions_and_a_note(dense, tmp_path):
    done = export(tmp_path, dense, KV, "--output", "kv", "--granularity", "per_head")
    assert "SGLang ignores" in done.stderr
    scales, _ = tensors_of((tmp_path / "kv" / SHARD).read_bytes())
    (row,) = (r for r in read(dense / "activation_maxima.json")["kv"] if r["layer"] == 3)
    expected = tuple(f32(value / 448) for value in row["key"]["per_head"])
    assert scales["model.layers.3.self_attn.k_scale"] == ([2, 1, 1], expected)
    scheme = read(tmp_path / "kv" / CONFIG)["quantization_config"]["kv_cache_scheme"]
    assert scheme["strategy"] == "attn_head"


def test_shards_keep_their_names_and_the_index_its_metadata(dense, tmp_path):
    sharded(dense)
    assert export(tmp_path, dense, KV, "--output", "kv").returncode == 0
    index = read(tmp_path / "kv" / INDEX)
    added = 4 * 2 * NUM_LAYERS
    assert index["metadata"] == {"total_size": 7 + added, "x": "y"}
    old = read(dense / INDEX)["weight_map"]
    assert old.items() <= index["weight_map"].items()
    assert set(index["weight_map"].values()) == {*old.values(), SHARD}


@pytest.mark.parametrize("split", [False, True])
def test_the_checkpoint_itself_gets_them_and_a_second_time_the_same(dense, tmp_path, split):
    if split:
        sharded(dense)
    shutil.copytree(dense, tmp_path / "untouched")
    assert export(tmp_path, tmp_path / "untouched", KV, "--output", "beside").returncode == 0
    assert export(tmp_path, dense, KV, "--write-into", dense).stdout == f"{dense}\n"
    expected = state(tmp_path / "beside")
    assert state(dense) == expected
    assert not any(path.is_symlink() for path in dense.iterdir())
    assert export(tmp_path, dense, KV, "--write-into", dense).returncode == 0
    assert state(dense) == expected


def test_after_every_step_the_checkpoint_loads(dense):
    """transformers takes the one file while it is there, and else what the index names."""
    measured = Measured(read(dense / "activation_maxima.json"), "0" * 64)
    weights, before = measured.report["model"]["weight_files"], read_header(dense / SINGLE)
    steps = steps_into(changed(dense, weights, make(measured, Choices())))
    scaled = []
    for step in steps:
        step()
        scaled.append("quantization_config" in read(dense / CONFIG))
        if not (dense / SINGLE).exists():
            names = set(read(dense / INDEX)["weight_map"].values())
            assert names == {RENAMED, SHARD}
            assert read_header(dense / RENAMED) == before
            assert len(read_header(dense / SHARD)) == 2 * NUM_LAYERS
    assert scaled == [False, False, False, False, True]


def test_what_a_killed_export_left_is_finished_by_the_next(dense, tmp_path):
    measured = Measured(read(dense / "activation_maxima.json"), "0" * 64)
    weights = measured.report["model"]["weight_files"]
    for step in list(steps_into(changed(dense, weights, make(measured, Choices()))))[:2]:
        step()
    assert export(tmp_path, dense, KV, "--write-into", dense).returncode == 0
    assert not (dense / SINGLE).exists()


def test_a_file_that_has_the_new_name_already_is_not_taken_for_the_weights(dense, tmp_path):
    (dense / RENAMED).write_bytes((dense / SINGLE).read_bytes())
    for place in (("--output", "kv"), ("--write-into", dense)):
        done = export(tmp_path, dense, KV, *place)
        assert done.returncode == 2
        assert "cannot link" in done.stderr
    assert (dense / SINGLE).exists()
    assert not (dense / INDEX).exists()
    assert not (tmp_path / "kv").exists()


def test_other_weights_than_the_measured_are_refused(dense, tmp_path):
    content = bytearray((dense / SINGLE).read_bytes())
    content[-1] ^= 1
    (dense / SINGLE).write_bytes(content)
    done = export(tmp_path, dense, KV, "--output", "kv")
    assert done.returncode == 2
    assert "Give the checkpoint that was measured" in done.stderr
    assert not (tmp_path / "kv").exists()


def test_the_index_is_made_from_the_weights_whatever_the_old_one_says(dense, tmp_path):
    sharded(dense)
    index = read(dense / INDEX)
    (first, *_), honest = index["weight_map"], dict(index["weight_map"])
    index["weight_map"]["." * 10_000_000] = index["weight_map"].pop(first)
    (dense / INDEX).write_text(json.dumps(index))
    assert export(tmp_path, dense, KV, "--output", "kv").returncode == 0
    found = read(tmp_path / "kv" / INDEX)["weight_map"]
    assert {tensor: file for tensor, file in found.items() if file != SHARD} == honest


def test_files_that_only_one_of_them_has_are_named(dense, tmp_path):
    report = dense / "activation_maxima.json"
    shutil.copy(report, tmp_path / "r.json")
    sharded(dense)
    done = export(tmp_path, "r.json", KV, "--checkpoint", dense, "--output", "kv")
    assert done.returncode == 2
    assert "is only in one of them" in done.stderr


@pytest.mark.parametrize(
    ("said", "named"), [({"quant_method": "fp8"}, "fp8"), ({"quant_method": "mxfp4"}, "mxfp4")]
)
def test_a_checkpoint_that_is_quantized_already_is_refused(dense, tmp_path, said, named):
    config = read(dense / CONFIG) | {"quantization_config": said}
    (dense / CONFIG).write_text(json.dumps(config))
    done = export(tmp_path, dense, KV, "--output", "kv")
    assert done.returncode == 2
    assert f"quantized already ({named})" in done.stderr


def test_what_is_there_already_is_not_replaced(dense, tmp_path):
    (tmp_path / "kv").mkdir()
    assert export(tmp_path, dense, KV, "--output", "kv").returncode == 0
    done = export(tmp_path, dense, KV, "--output", "kv")
    assert done.returncode == 2
    assert "no empty folder" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dense", "kv"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "one of --output FOLDER and --write-into"),
        (("--output", "-", "--checkpoint", "dense"), "one of --output FOLDER"),
        (("--output", "kv", "--write-into", "dense"), "one of --output"),
        (("--write-into", "dense", "--checkpoint", "dense"), "leave --checkpoint out"),
        (("--output", "kv"), "--checkpoint"),
        (("--output", "kv", "--checkpoint", "nowhere"), "nowhere"),
        (("--output", "kv", "--checkpoint", "."), "is no checkpoint"),
        (("--output", "no/kv", "--checkpoint", "dense"), "cannot make the folder no/kv"),
        (("--output", "kv", "--granularity", "per_channel"), "per_tensor, per_head"),
        (("--output", "kv", "--below-db", "3"), "--below-db is not for compressed-tensors-kv"),
    ],
)
def test_places_that_make_no_sense_are_refused(dense, tmp_path, words, told):
    shutil.copy(dense / "activation_maxima.json", tmp_path / "r.json")
    done = export(tmp_path, "r.json", KV, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dense", "r.json"]
