"""What `--end-to-end` may name, and what is refused before anything runs."""

import pytest
from command import hubmaxact_here

from hubmaxact.deployed_formats import TARGETS
from hubmaxact.errors import OptionsError
from hubmaxact.measurement.asked_rounding import asked_roundings
from hubmaxact.measurement.options import Options

NAMES = {
    "int8": "linear_inputs:int8/per_tensor/max_abs",
    "int8/per_token": "linear_inputs:int8/per_token/dynamic",
    "int8/clip_q0.999": "linear_inputs:int8/per_tensor/clip_q0.999",
    "float8_e4m3fn/block_128": "linear_inputs:float8_e4m3fn/block_128/dynamic",
    "nvfp4": "linear_inputs:nvfp4/block_16/max_abs",
    "kv:float8_e4m3fn": "kv:float8_e4m3fn/per_tensor/max_abs",
    "kv:float8_e5m2/unscaled": "kv:float8_e5m2/per_tensor/unscaled",
    "residual:int8": "residual:int8/per_tensor/max_abs",
}


def test_a_way_is_named_as_far_as_it_must_be():
    assert [each.name for each in asked_roundings(",".join(NAMES))] == list(NAMES.values())
    assert [each.name for each in asked_roundings(list(NAMES))] == list(NAMES.values())
    again = asked_roundings(tuple(NAMES.values()))
    assert [each.name for each in again] == list(NAMES.values())
    assert asked_roundings("") == asked_roundings(()) == ()


def test_every_way_of_a_target_has_a_name_that_asks_for_it():
    for target, ways in TARGETS.items():
        for way in ways:
            (found,) = asked_roundings(f"{target}:{way.name}")
            assert (found.target, found.way) == (target, way)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("weights:int8", "rounds linear_inputs, kv, residual; found 'weights'"),
        ("int4", "to none of 'int4'. Use int8, float8_e4m3fn, float8_e5m2, mxfp8, mxfp4, nvfp4."),
        ("int8,", "to none of ''"),
        ("int8/block_128", "'int8/block_128'. Use int8/per_tensor/max_abs, "),
        ("kv:int8/per_token", "rounds kv to none of 'int8/per_token'"),
        ("residual:mxfp4", "rounds residual to none of 'mxfp4'. Use int8, "),
        ("int8/unscaled", "rounds linear_inputs to none of 'int8/unscaled'"),
        ("int8,int8/per_tensor", "names linear_inputs:int8/per_tensor/max_abs twice"),
        ("in\u202et8", r"'in\u202et8'"),
    ],
)
def test_what_is_not_known_is_refused_in_a_sentence(said, words):
    with pytest.raises(OptionsError) as refused:
        Options(profile="deployment", end_to_end=said)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_options_keep_whole_names():
    options = Options(profile="deployment", end_to_end="int8/per_token,kv:int8")
    assert options.end_to_end == (NAMES["int8/per_token"], "kv:int8/per_tensor/max_abs")


def test_profile_paper_finds_nothing_to_round(tmp_path):
    words = ("--profile", "paper", "--end-to-end", "int8")
    done = hubmaxact_here("measure", "nowhere", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "hubmaxact: end_to_end needs profile deployment, which finds what is rounded and its "
        "thresholds. Use --profile deployment.\n"
    )
