"""What a declaration says is read or refused by name; whatever it holds, it does no harm."""

import json
import re
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored_weights.releases import (
    AWQ,
    BLOCK,
    CHANNEL,
    FP4,
    FP8,
    GPTQ,
    MODELOPT,
    RELEASES,
    TOKEN,
    W4,
    Tensor,
    compressed,
    headers,
)

from hubmaxact.stored_weights.declared import declared
from hubmaxact.stored_weights.stored import stored_weights
from hubmaxact.stored_weights.table import NVFP4_DIVISOR, NVFP4_FACTOR, PACKED_INT, SCALED
from hubmaxact.stored_weights.unknown import UnknownStorageError, UnsoundStorageError

MIXED = {**MODELOPT, "quant_algo": "MIXED_PRECISION"}
BNB = {"quant_method": "bitsandbytes", "load_in_4bit": True}
OTHERS = (
    "aqlm", "vptq", "quip", "spqr", "higgs", "hqq", "quanto", "eetq", "bitnet", "fp_quant",
    "torchao", "quark", "gemma", "metal", "sinq", "fouroversix", "auto-round", "exl2", "exl3",
    "4 bits", "unknown",
)  # fmt: skip

REFUSED = [
    *((method, {"quant_method": method, "bits": 4}) for method in OTHERS),
    ("compressed-tensors with sparse weights (marlin-24)",
     compressed("pack-quantized", W4, sparsity_config={"format": "marlin-24"})),
    ("compressed-tensors with sparse weights (dense)",
     compressed("pack-quantized", W4, sparsity_config=["marlin-24"])),
    ("compressed-tensors with transformed weights (transform_config)",
     compressed("pack-quantized", W4, transform_config={"config_groups": {"u": {}}})),
    ("compressed-tensors of format mxfp6-pack-quantized", compressed("mxfp6-pack-quantized", W4)),
    ("compressed-tensors of format mixed-precision", compressed("mixed-precision", W4)),
    ("compressed-tensors pack-quantized of 9 bits",
     compressed("pack-quantized", {**W4, "num_bits": 9})),
    ("compressed-tensors pack-quantized with weights of type float",
     compressed("pack-quantized", {**W4, "type": "float"})),
    ("compressed-tensors nvfp4-pack-quantized with groups of 32",
     compressed("nvfp4-pack-quantized", {**FP4, "group_size": 32})),
    ("compressed-tensors float-quantized with block_structure an array of 1 item",
     compressed("float-quantized", {**BLOCK, "block_structure": [128]})),
    ('compressed-tensors float-quantized with block_structure "0x128"',
     compressed("float-quantized", {**BLOCK, "block_structure": "0x128"})),
    ("compressed-tensors float-quantized with weights of an array of 0 items",
     compressed("float-quantized", [])),
    ("compressed-tensors that names no group of weights", compressed("float-quantized", None)),
    ("modelopt with quant_algo NVFP4_AWQ", {**MODELOPT, "quant_algo": "NVFP4_AWQ"}),
    ("modelopt with quant_algo NVFP4_SVD", {**MODELOPT, "quant_algo": "NVFP4_SVD"}),
    ("modelopt with quant_algo no", {"quant_method": "modelopt"}),
    ("modelopt NVFP4 with a group_size of 32",
     {**MODELOPT, "quant_algo": "NVFP4", "group_size": 32}),
    ("modelopt of mixed precision that names no layers", MIXED),
    ("modelopt with quant_algo W4A8_AWQ",
     {**MIXED, "quantized_layers": {"a": {"quant_algo": "FP8"}, "b": {"quant_algo": "W4A8_AWQ"}}}),
    ("gptq of 5 bits", {**GPTQ, "bits": 5}),
    ("gptq of true bits", {**GPTQ, "bits": True}),
    ("gptq of 4 bits", {**GPTQ, "bits": "4"}),
    ("gptq in the format of marlin", {**GPTQ, "is_marlin_format": True}),
    ("gptq in the format bitblas", {**GPTQ, "checkpoint_format": "bitblas"}),
    ("gptq with group_size 0", {**GPTQ, "group_size": 0}),
    ('awq with group_size "64"', {**AWQ, "group_size": "64"}),
    ("awq of 8 bits", {**AWQ, "bits": 8}),
    ("awq of version gemv", {**AWQ, "version": "gemv"}),
    ("fp8 with fmt e5m2", {**FP8, "fmt": "e5m2"}),
    ("fp8 with experts in int4", {**FP8, "expert_dtype": "int4"}),
    ("fp8 with weight_block_size an array of 3 items", {**FP8, "weight_block_size": [1, 2, 3]}),
    ("bitsandbytes with neither 4 nor 8 bits", {"quant_method": "bitsandbytes"}),
    ("bitsandbytes with both 4 and 8 bits", {**BNB, "load_in_8bit": True}),
    ("bitsandbytes of type int4", {**BNB, "bnb_4bit_quant_type": "int4"}),
    ("bitsandbytes with codes stored as bfloat16", {**BNB, "bnb_4bit_quant_storage": "bfloat16"}),
]  # fmt: skip


def test_what_is_not_in_the_table_is_refused_by_its_name():
    for words, said in REFUSED:
        with pytest.raises(UnknownStorageError) as caught:
            declared(said)
        assert str(caught.value) == words


def groups(*groups, form="mixed-precision"):
    named = {f"group_{place}": group for place, group in enumerate(groups)}
    return {"quant_method": "compressed-tensors", "format": form, "config_groups": named}


def group(weights, targets, form=None, inputs=None):
    return {"weights": weights, "targets": targets, "format": form, "input_activations": inputs}


W8 = {**W4, "num_bits": 8, "group_size": None, "strategy": "channel"}


def test_a_group_is_chosen_by_name_then_pattern_then_class():
    said = groups(
        group(W4, ["Linear"]),
        group(W8, [r"re:.*mlp\.(gate|up)_proj$"]),
        group({**W4, "group_size": 32}, ["model.layers.0.mlp.up_proj"]),
        form="pack-quantized",
    )
    found = declared(said)
    sizes = {
        module: (
            found.scheme_of(module, PACKED_INT).bits,
            found.scheme_of(module, PACKED_INT).group_size,
        )
        for module in ("a.q_proj", "model.layers.0.mlp.up_proj", "model.layers.1.mlp.up_proj")
    }
    assert list(sizes.values()) == [(4, 128), (4, 32), (8, None)]


def test_a_mixed_release_has_a_format_for_each_group():
    said = groups(
        group(FP4, [r"re:.*\.experts\..*"], "nvfp4-pack-quantized", {**FP4, "dynamic": "local"}),
        group(CHANNEL, [r"re:.*self_attn.*"], "float-quantized", {**TOKEN, "type": "float"}),
    )
    nvfp4, fp8 = headers(RELEASES["NVFP4"]), headers(RELEASES["FP8 by rows"])
    tensors = {f"mlp.experts.0.{name}": entry for name, entry in nvfp4.items()}
    tensors |= {f"self_attn.{name}": entry for name, entry in fp8.items()}
    found = stored_weights(declared(said), tensors).weights
    assert [each.scheme.storage for each in found] == [NVFP4_DIVISOR, SCALED]
    # The same with the patterns turned round: nothing says that these maps are stored so.
    ranks = groups(
        group(W4, [r"re:.*attn.*"], "pack-quantized"), group(W8, [r"re:.*mlp.*"], "pack-quantized")
    )
    other = {f"head.{name}": entry for name, entry in headers(RELEASES["W4A16"]).items()}
    with pytest.raises(UnsoundStorageError, match=r"head\.m\.weight_packed is stored as I32"):
        stored_weights(declared(ranks), other)


def test_groups_that_only_classes_tell_apart_are_refused():
    said = groups(group(W4, ["Linear"]), group(W8, ["Embedding"]), form="pack-quantized")
    with pytest.raises(UnknownStorageError, match="only classes of modules tell apart"):
        declared(said)


def test_layers_of_mixed_precision_are_told_by_name():
    layers = {"a": "FP8", "b": "NVFP4", "c": "W4A16_NVFP4"}
    said = {name: {"quant_algo": algorithm, "group_size": 16} for name, algorithm in layers.items()}
    found = declared({**MIXED, "quantized_layers": said})
    assert found.scheme_of("a", SCALED).inputs.stored == "input_scale"
    assert found.scheme_of("b", NVFP4_FACTOR).inputs.format == "nvfp4"
    assert found.scheme_of("c", NVFP4_FACTOR).inputs is None
    assert found.scheme_of("d", NVFP4_FACTOR) is None


def test_zero_points_are_stored_less_one_until_the_second_format():
    for form, offset in ((None, True), ("gptq", True), ("gptq_v2", False)):
        (found,) = declared({**GPTQ, "checkpoint_format": form}).groups
        assert found.scheme.offset_zeros is offset


def test_what_older_tools_wrote_is_read():
    (found,) = declared(
        {"quant_method": "awq", "w_bit": 4, "q_group_size": 64, "version": "GEMM"}
    ).groups
    assert (found.scheme.bits, found.scheme.group_size) == (4, 64)
    (found,) = declared(
        compressed("float-quantized", {**BLOCK, "block_structure": "128x64"})
    ).groups
    assert found.scheme.block == (128, 64)


def test_patterns_that_could_take_for_ever_are_refused():
    slow = [
        r"(a+)+$", r"(a|aa)*$", r"a*a*a*a*a*a*b", "(a?)" * 30, "(a|aa|aaa)" * 20, r"(.*)\1",
        "(" * 99, "a{9}{9}{9}", "a" * 1000, "[a", "(?P<n>a)", "(?<=a)b", "(?i)a",
    ]  # fmt: skip
    for pattern in slow:
        said = compressed("pack-quantized", W4)
        said["config_groups"]["group_0"]["targets"] = [f"re:{pattern}"]
        with pytest.raises(UnknownStorageError, match="a pattern of modules that is not read here"):
            declared(said)


def test_patterns_of_releases_are_matched_as_python_does():
    patterns = [
        r".*self_attn\.(q|k|v|o)_proj.*", r".*mlp\.experts\.\d+\.(gate|up|down)_proj$",
        r"model\.layers\.[0-2]\..*", r"^(?!.*(vision|lm_head)).*proj", r".*layers.*down_proj$",
        r"(?:model\.)?layers\.\d{1}\.mlp.*", r".*\.(mlp|attn)\.((gate|up)_proj)$",
    ]  # fmt: skip
    names = [
        "model.layers.1.self_attn.q_proj", "layers.3.mlp.gate_proj", "model.vision.proj", "lm_head",
        "model.layers.12.mlp.experts.3.down_proj", "model.layers.2.mlp.up_proj",
    ]  # fmt: skip
    for pattern in patterns:
        said = groups(group(W4, [f"re:{pattern}"]), group(W8, ["none"]), form="pack-quantized")
        found = declared(said)
        for name in names:
            meant = found.scheme_of(name, PACKED_INT) is not None
            assert meant is (re.match(pattern, name) is not None), (pattern, name)


KEYS = sorted({key for release in RELEASES.values() for key in release.said} | {
    "sparsity_config", "transform_config", "quantized_layers", "checkpoint_format", "w_bit", "fmt",
    "weights", "targets", "num_bits", "strategy", "group_size", "input_activations", "type",
    "load_in_4bit", "bnb_4bit_quant_type", "expert_dtype", "block_structure", "dynamic",
})  # fmt: skip
WORDS = sorted(
    {json.dumps(value) for release in RELEASES.values() for value in release.said.values()}
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
    | st.sampled_from(WORDS).map(json.loads),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(
    st.sampled_from(sorted(RELEASES)), st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4)
)
def test_whatever_is_declared_is_read_or_refused(name, changed):
    said = {**RELEASES[name].said, **changed}
    try:
        found = declared(said)
        stored_weights(found, headers(RELEASES[name]))
    except (UnknownStorageError, UnsoundStorageError) as refusal:
        words = str(refusal)
    else:
        words = found.method
    assert words.isprintable()
    assert len(words) < 400


def test_what_is_huge_or_deep_is_read_or_refused_at_once():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    many = {f"g{n}": group(W4, ["Linear"]) for n in range(100_000)}
    huge = [
        {"quant_method": deep},
        {**FP8, "weight_block_size": deep},
        {**GPTQ, "bits": 10**4000},
        {**AWQ, "version": "x" * 10_000_000},
        groups(form="pack-quantized") | {"config_groups": many},
        compressed("pack-quantized", W4, sparsity_config=deep),
        groups(group(W4, ["re:.*a"] * 100_000), form="pack-quantized"),
    ]
    begun = perf_counter()
    for said in huge:
        with pytest.raises(UnknownStorageError) as caught:
            declared(said)
        assert len(str(caught.value)) < 200
    names = groups(group(W4, [f"m{n}" for n in range(100_000)]), form="pack-quantized")
    assert declared(names).scheme_of("m7", PACKED_INT).bits == 4
    assert perf_counter() - begun < 5


def test_shapes_without_end_are_refused_at_once():
    for shape in ((), (0,), (1 << 61, 2), (0, 0), (2,) * 32):
        tensors = {
            "m.weight": Tensor("F8_E4M3", shape),
            "m.weight_scale_inv": Tensor("F32", (3, 3)),
        }
        with pytest.raises(UnsoundStorageError):
            stored_weights(declared(FP8), tensors)
