"""Headers of every kind of release are told apart; what does not fit together is refused."""

import pytest
from stored_weights.releases import FP8, MODELOPT, RELEASES, V4, Release, Tensor, headers

from hubmaxact.scales.caches import CACHE_NAMES
from hubmaxact.scales.linear_inputs import INPUT_NAMES
from hubmaxact.stored_weights.counts import by_scale, by_storage
from hubmaxact.stored_weights.declared import declared
from hubmaxact.stored_weights.stored import stored_weights
from hubmaxact.stored_weights.table import STORAGES
from hubmaxact.stored_weights.unknown import UnsoundStorageError


def refused(said, tensors, words):
    with pytest.raises(UnsoundStorageError, match=words):
        stored_weights(declared(said), tensors)


@pytest.fixture(params=RELEASES)
def release(request) -> Release:
    return RELEASES[request.param]


def test_a_weight_is_known_by_its_tensors(release):
    found = stored_weights(declared(release.said), headers(release))
    (weight,) = found.weights
    assert (weight.name, weight.shape) == (release.name, release.shape)
    assert weight.scheme.storage.name == release.storage
    assert weight.scheme.inputs == release.inputs
    assert set(weight.parts.values()) == {f"m.{suffix}" for suffix in release.tensors}
    expected = release.num_weights or int.__mul__(*release.shape[-2:]) * (
        release.shape[0] if len(release.shape) > 2 else 1
    )
    assert weight.num_weights == expected
    assert found.plain == ("m.bias", "norm.weight")
    assert by_storage(found) == {release.storage: 1}


def test_every_row_of_the_table_is_among_the_releases():
    assert {each.storage for each in RELEASES.values()} == {each.name for each in STORAGES}


def test_codes_without_a_part_that_they_need_are_refused(release):
    found = stored_weights(declared(release.said), headers(release))
    (weight,) = found.weights
    for part in weight.scheme.storage.required[1:]:
        tensors = headers(release)
        del tensors[weight.parts[part]]
        words = f"holds codes .*, and their {part.replace('_', ' ')} is not there"
        refused(release.said, tensors, words)


def test_parts_that_do_not_cover_the_weight_are_refused(release):
    found = stored_weights(declared(release.said), headers(release))
    (weight,) = found.weights
    checked = {"scale", "zero_point", "table", "shape", "divisor", "factor"} & set(weight.parts)
    if weight.scheme.storage.name == "bitsandbytes_4bit":  # its block stands in bytes
        checked = {"table"}
    for part in checked:
        tensors = headers(release)
        name = weight.parts[part]
        tensors[name] = tensors[name]._replace(shape=(*tensors[name].shape[:-1], 7))
        refused(release.said, tensors, rf"^{weight.name} has ")


def test_one_element_is_a_scale_of_the_whole_only_where_no_block_is_declared():
    weight = {"m.weight": Tensor("F8_E4M3", (576, 256))}
    for shape in ((), (1,), (1, 1)):
        tensors = {**weight, "m.weight_scale_inv": Tensor("F32", shape)}
        refused(FP8, tensors, r"do not cover a weight of \(576, 256\) in blocks of \(128, 128\)")
        assert stored_weights(declared({"quant_method": "fp8"}), tensors).weights
    tensors = {**weight, "m.weight_scale_inv": Tensor("F32", (5, 2))}
    assert stored_weights(declared(FP8), tensors).weights
    refused({"quant_method": "fp8"}, tensors, "do not cover")  # in blocks of which size?


def test_bytes_are_no_codes_of_four_bits_unless_that_is_declared():
    tensors = headers(RELEASES["DeepSeek-V4's experts"])
    assert stored_weights(declared(V4), tensors).weights
    del tensors["m.scale"]
    refused(FP8, tensors, "m.weight is stored as I8, and nothing says what that means")


def test_a_tensor_of_no_plain_dtype_must_be_claimed():
    tensors = headers(RELEASES["DeepSeek-V4's other maps"])
    for dtype in ("F8_E5M2", "U8", "I8", "I32", "F4", "U64"):
        named = {**tensors, "other.weight": Tensor(dtype, (4, 4))}
        words = (
            "holds codes" if dtype in {"U8", "I8"} else f"is stored as {dtype}, and nothing says"
        )
        refused(V4, named, f"other.weight {words}")
    tables = {"gate.tid2eid": Tensor("I64", (9, 2)), "attn.mask": Tensor("BOOL", (1, 1, 4, 4))}
    assert set(tables) < set(stored_weights(declared(V4), {**tensors, **tables}).plain)


def test_what_stands_beside_codes_must_be_known():
    tensors = headers(RELEASES["Model-Optimizer's FP8"])
    words = "m.pre_quant_scale stands beside codes, and nothing says what it does"
    refused(MODELOPT, {**tensors, "m.pre_quant_scale": Tensor("BF16", (64,))}, words)
    tensors = headers(RELEASES["W4A16"])
    twice = {**tensors, "m.weight": Tensor("BF16", (96, 256))}
    refused(RELEASES["W4A16"].said, twice, "m.weight is stored as codes and plainly too")
    tensors = headers(RELEASES["DeepSeek-V4's other maps"])
    twice = {**tensors, "m.scale": Tensor("F8_E8M0", (2, 2))}
    refused(V4, twice, "is not the only part of its kind")


def test_scales_of_activations_are_set_aside_by_name():
    tensors = headers(RELEASES["Model-Optimizer's FP8"])
    names = [f"m.{name}" for name in INPUT_NAMES] + [f"x{end}" for end, _ in CACHE_NAMES]
    names += ["experts.down_proj_input_scale", "m.input_zero_point"]
    found = stored_weights(
        declared(MODELOPT), {**tensors, **{n: Tensor("F32", (1,)) for n in names}}
    )
    assert found.set_aside == tuple(sorted(names))
    assert found.plain == ("m.bias", "norm.weight")
    assert by_scale(found)["input_scale"] == 2
    assert sum(by_scale(found).values()) == len(names)


def test_weights_of_modules_that_are_ignored_stay_plain():
    tensors = {**headers(RELEASES["GPTQ"]), "lm_head.weight": Tensor("F16", (96, 256))}
    assert "lm_head.weight" in stored_weights(declared(RELEASES["GPTQ"].said), tensors).plain
