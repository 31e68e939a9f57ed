"""What is written by the tables of scales is read by them again, as the same number."""

import pytest

from hubmaxact.engine_files.scale_conventions import (
    CACHE_LIMITS,
    CONVENTIONS,
    INPUT_SCALES,
    NUMBER_FORMATS,
)
from hubmaxact.scales.caches import CACHES, WRITTEN_NAMES
from hubmaxact.scales.linear_inputs import INPUTS
from hubmaxact.scales.names import scales_named
from hubmaxact.scales.tensors import INPUT
from hubmaxact.shipped_scales.conventions import Surroundings, cache_convention, input_convention
from hubmaxact.shipped_scales.declaration import declaration
from hubmaxact.shipped_scales.row import reach

# Written by, number format -> what stands beside it in a checkpoint of theirs: the weight's dtype,
# other tensors, config.json.
AROUND = {
    ("compressed-tensors", "fp8"): ("F8_E4M3", (), "compressed-tensors"),
    ("compressed-tensors", "int8"): ("I8", (), "compressed-tensors"),
    ("compressed-tensors", "nvfp4"): ("U8", (), "compressed-tensors"),
    ("modelopt", "fp8"): ("F8_E4M3", (), "modelopt"),
    ("modelopt", "nvfp4"): ("U8", ("weight_scale_2",), "modelopt"),
    ("transformers", "fp8"): ("F8_E4M3", (), "fp8"),
}


def test_what_is_known_to_be_written_is_what_is_tried_here():
    assert set(INPUT_SCALES) == set(AROUND)
    written = {(writer, row.number_format.name) for row in INPUTS for writer in row.written}
    assert written == set(AROUND)
    assert {writer for writer, _ in AROUND} == set(CONVENTIONS)
    assert {number_format for _, number_format in AROUND} == set(NUMBER_FORMATS)


@pytest.mark.parametrize("written", AROUND)
@pytest.mark.parametrize("abs_max", [0.0078125, 11.625, 103936.0])
def test_a_written_input_scale_is_told_apart_and_reaches_what_it_was_made_of(written, abs_max):
    weight, beside, method = AROUND[written]
    scale = INPUT_SCALES[written]
    (named,) = scales_named(f"model.layers.0.mlp.down_proj.{scale.name}")
    assert (named.kind, named.module) == (INPUT, "model.layers.0.mlp.down_proj")
    around = Surroundings(weight, beside, None, declaration({"quant_method": method}))
    found = input_convention(named.name, around)
    assert found.number_format.name == written[1]
    reached = reach(found.number_format, scale.number(abs_max), divisor=found.divisor)
    assert reached == pytest.approx(abs_max, rel=1e-15)


def test_a_written_cache_scale_is_told_apart():
    for kind, name in WRITTEN_NAMES.items():
        (named,) = scales_named(f"model.layers.0.self_attn.{name}")
        assert (named.kind, named.module) == (kind, "model.layers.0.self_attn")


@pytest.mark.parametrize(
    ("algorithm", "method", "largest"),
    [
        (None, "compressed-tensors", 448.0),
        ("FP8", "modelopt", 448.0),
        ("INT8", "modelopt", 127.0),
        ("INT8", "compressed-tensors", 127.5),
        ("NVFP4", "modelopt", None),
    ],
)
def test_the_scheme_of_a_cache_and_its_writer_tell_the_limit(algorithm, method, largest):
    found = cache_convention(
        declaration({"quant_method": method, "kv_cache_quant_algo": algorithm})
    )
    assert (found and found.largest) == largest


def test_scales_in_a_file_of_their_own_are_none_of_a_checkpoint():
    assert CACHE_LIMITS == {"int8": 128.0, "int4": 8.0, "fp8": 448.0}
    assert all(row.schemes or row.files for row in CACHES)
    assert not any(row.schemes and row.files for row in CACHES)
