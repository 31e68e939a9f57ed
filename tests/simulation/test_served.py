"""What is simulated, by which number, and refusals in one sentence."""

import dataclasses

import pytest
import torch

from hubmaxact.errors import (
    CoverageError,
    HubmaxactError,
    IncompleteWeightsError,
    OptionsError,
    UnsafeCheckpointError,
)
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.simulation.rounded_maps import rounded_maps
from hubmaxact.measurement.simulation.served import require_served
from hubmaxact.stored_weights.storage import RoundedInput
from simulation.conftest import plain

SCALE = "model.layers.0.mlp.experts.{}.down_proj.{}"
INPUT = "model.layers.3.self_attn.q_proj.input_scale"


def refused(kind, call):
    with pytest.raises(kind) as caught:
        call()
    said = str(caught.value)
    assert caught.value.exit_code == 2
    assert said.endswith("Measure it without --simulate-activations.")
    assert said.count("\n") == 0
    return said.removesuffix(" Measure it without --simulate-activations.")


def as_if(files, inputs):
    """The same files, were every input served so."""
    stored = files.stored
    weights = (
        dataclasses.replace(each, scheme=dataclasses.replace(each.scheme, inputs=inputs))
        for each in stored.weights
    )
    return dataclasses.replace(stored, weights=tuple(weights))


def test_weights_that_are_not_quantized_are_refused():
    said = refused(OptionsError, lambda: require_served("org/name", None))
    assert said == (
        "the weights of org/name are not quantized, so nothing says that a server rounds what its "
        "linear maps read."
    )


@pytest.mark.parametrize("name", ["gptq", "ct-int4", "bnb-nf4"])
def test_weights_that_alone_are_quantized_are_refused(name, files_of):
    files = files_of(name)
    said = refused(OptionsError, lambda: require_served("org/name", files.stored))
    assert said == (
        f"org/name quantizes its weights alone ({files.stored.method}), so nothing is rounded as "
        "served."
    )


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (
            RoundedInput(format="int8_asymmetric", granularity="per_token"),
            "int8_asymmetric per_token with dynamic scales",
        ),
        (
            RoundedInput(format="float8_e4m3fn", granularity="per_tensor"),
            "float8_e4m3fn per_tensor with dynamic scales",
        ),
        (
            RoundedInput(format="nvfp4", granularity="block_16"),
            "nvfp4 block_16 with dynamic scales",
        ),
        (
            RoundedInput(format="int4", granularity="per_token"),
            "int4 per_token with dynamic scales",
        ),
        (
            RoundedInput(format="int8", granularity="per_token", stored="input_scale"),
            "int8 per_token with scales in input_scale",
        ),
        (
            RoundedInput(format="mxfp4", granularity="block_32", stored="x\x1b[2J"),
            "mxfp4 block_32 with scales in x\\u001b[2J",
        ),
    ],
)
def test_what_is_not_simulated_is_refused_by_name(inputs, words, files_of):
    stored = as_if(files_of("ct-w8a8"), inputs)
    said = refused(OptionsError, lambda: require_served("org/name", stored))
    assert said == (
        f"org/name is served with linear inputs in {words}, which is not simulated here."
    )


SCALES_NOTHING = "and the scale of an input is a finite number above zero"
IS_NO_NUMBER = "and the scale of an input is one number"


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (torch.tensor(0.0), f"is 0, {SCALES_NOTHING}."),
        (torch.tensor([-0.5]), f"is -0.5, {SCALES_NOTHING}."),
        (torch.tensor(torch.nan), f"is nan, {SCALES_NOTHING}."),
        (torch.tensor(1e-42), f"is 1.00053e-42, {SCALES_NOTHING}."),
        (torch.ones(128), f"is F32 of shape [128], {IS_NO_NUMBER}."),
        (torch.ones(1, dtype=torch.int32), f"is I32 of shape [1], {IS_NO_NUMBER}."),
    ],
)
def test_a_scale_that_is_none_is_refused(scale, words, files_of):
    files = files_of("ct-fp8-static", changed=lambda tensors: tensors.update({INPUT: scale}))
    model, _ = plain("dense")
    said = refused(UnsafeCheckpointError, lambda: rounded_maps(files, model))
    assert said == f"{INPUT} of {files.name} {words}"


def test_a_scale_that_is_not_there_is_named(files_of):
    files = files_of("ct-fp8-static", changed=lambda tensors: tensors.pop(INPUT))
    model, _ = plain("dense")
    said = refused(IncompleteWeightsError, lambda: rounded_maps(files, model))
    assert said.endswith(f"says that inputs have stored scales, and there is no {INPUT}.")


@pytest.mark.by_day("ct-nvfp4-*")
@pytest.mark.parametrize(
    ("name", "suffix", "value", "number"),
    [
        ("ct-fp8-static", "input_scale", 0.5, 0.5),
        ("ct-nvfp4", "input_global_scale", 50.0, 50.0),
        ("modelopt-nvfp4", "input_scale", 0.5, 2.0),
    ],
)
def test_of_experts_the_scale_that_reaches_furthest_is_taken(name, suffix, value, number, files_of):
    def one_is_larger(tensors):
        other = SCALE.format(5, suffix)
        tensors[other] = torch.full_like(tensors[other], value)

    model, _ = plain("moe")
    found = rounded_maps(files_of(name, "moe", one_is_larger), model)
    numbers = {each.weights[0].name: each.rounding.stored for each in found}
    assert numbers.pop("model.layers.0.mlp.experts.down_proj") == number
    assert number not in numbers.values()


def test_experts_that_are_served_in_several_ways_are_refused(files_of):
    files = files_of("ct-fp8", "moe")
    first, *rest = (each for each in files.stored.weights if ".experts." in each.name)
    bare = dataclasses.replace(first, scheme=dataclasses.replace(first.scheme, inputs=None))
    stored = dataclasses.replace(files.stored, weights=(bare, *rest))
    model, _ = plain("moe")
    said = refused(
        CoverageError, lambda: rounded_maps(dataclasses.replace(files, stored=stored), model)
    )
    assert said == (
        f"model.layers.0.mlp.experts.down_proj of {files.name} was merged of weights that are "
        "served in different ways, and runs as one here."
    )


def test_losses_are_not_compared_with_both_sides_rounded():
    with pytest.raises(HubmaxactError, match="Use one of them"):
        Options(profile="deployment", end_to_end="int8", simulate_activations=True)
