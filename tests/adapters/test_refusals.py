"""What is no sum, what fits no base, and bases that cannot be had: one sentence each."""

import json
import re
import shutil

import pytest
from command import DENSE, hubmaxact_here

from adapters.lora import AROUND, CONFIG, DOWN, EMBEDDING, Q, plain, write_adapter
from hubmaxact.adapters.config import UnmergeableError, adapter_config
from hubmaxact.adapters.find_merges import find_merges
from hubmaxact.adapters.module_patterns import ModulePatterns, UnreadablePatternError
from hubmaxact.recognition.safetensors_header import TensorEntry

NO_SUMS = [
    ({"peft_type": "LOHA"}, r'peft_type is "LOHA", and only LORA is merged'),
    ({"peft_type": None}, r"peft_type is null"),
    ({"use_dora": True}, r"rescaled too \(use_dora\)"),
    ({"target_parameters": ["experts.down_proj"]}, r"fused experts \(target_parameters\)"),
    ({"trainable_token_indices": [1]}, r"single rows of an embedding"),
    ({"alora_invocation_tokens": [1]}, r"some tokens alone"),
    ({"layer_replication": [[0, 2]]}, r"repeats layers"),
    ({"init_lora_weights": "pissa_niter_4"}, r'is "pissa_niter_4", which changes the base'),
    ({"init_lora_weights": "olora"}, r'is "olora"'),
    ({"init_lora_weights": "loftq"}, r'is "loftq"'),
    ({"kasa_config": {"beta": 1}}, r"changes its base's weights \(kasa_config\)"),
    ({"use_qalora": True}, r'sets "use_qalora", which is not known here'),
    ({"r": 0}, r"its r is 0, where a whole number above 0"),
    ({"r": True}, r"its r is true"),
    ({"lora_alpha": "8"}, r'lora_alpha is "8", where a number belongs'),
    ({"lora_alpha": 10**400}, r"lora_alpha is 1000"),
    ({"use_rslora": "no"}, r"use_rslora is \"no\", where true or false"),
    ({"modules_to_save": "lm_head"}, r"modules_to_save is .* array of names"),
    ({"rank_pattern": {"q_proj": 1.5}}, r"rank_pattern is 1\.5"),
    ({"alpha_pattern": {"(a+)+": 1}}, r"holds the pattern \(a\+\)\+, and only names with"),
    ({"base_model_name_or_path": 3}, r"base_model_name_or_path is 3, where a name"),
]

BY_PEFT = {
    "alora_invocation_tokens": None, "alpha_pattern": {}, "arrow_config": None,
    "auto_mapping": {"base_model_class": "Qwen3ForCausalLM"}, "bias": "none", "corda_config": None,
    "ensure_weight_tying": False, "eva_config": None, "exclude_modules": None,
    "inference_mode": True, "init_lora_weights": "gaussian", "layer_replication": None,
    "layers_pattern": None, "layers_to_transform": None, "loftq_config": {}, "lora_bias": False,
    "lora_dropout": 0.05, "megatron_config": None, "megatron_core": "megatron.core",
    "peft_version": "0.21.2", "qalora_group_size": 16, "rank_pattern": {}, "revision": None,
    "target_modules": ["q_proj"], "target_parameters": None, "task_type": "CAUSAL_LM",
    "trainable_token_indices": None, "use_dora": False, "use_qalora": False,
}  # fmt: skip
"""What PEFT writes beside what is read."""

BASE = {
    f"{Q}.weight": (256, 128),
    f"{DOWN}.weight": (128, 224),
    f"{EMBEDDING}.weight": (4096, 128),
    "model.norm.weight": (128,),
}
A, B = f"{AROUND}{Q}.lora_A.weight", f"{AROUND}{Q}.lora_B.weight"
PAIR = {A: (4, 128), B: (256, 4)}
MISFITS = [
    ({A: (4, 128)}, {}, r"q_proj\.lora_A\.weight without the other factor"),
    ({A: (4, 128), B: (256, 3)}, {}, r"shapes 256 x 3 and 4 x 128, where rank 4 is said"),
    (PAIR, {"r": 8}, r"where rank 8 is said"),
    ({A: (4, 64), B: (256, 4)}, {}, r"product of shape 256 x 64, and .* has 256 x 128"),
    (PAIR, {"fan_in_fan_out": True}, r"product of shape 128 x 256, and .* has 256 x 128"),
    ({A: (4, 128, 1), B: (256, 4)}, {}, r"has shape 4 x 128 x 1, no matrix's"),
    ({**PAIR, f"{AROUND}{Q}.lora_magnitude_vector": (256,)}, {}, r"no tensor of a plain LoRA"),
    ({**PAIR, "stray.weight": (1,)}, {}, r"stray\.weight is no tensor of a plain LoRA"),
    ({f"{AROUND}model.layers.9.x.lora_A.weight": (4, 1),
      f"{AROUND}model.layers.9.x.lora_B.weight": (1, 4)}, {}, r"no weight model\.layers\.9\.x\."),
    ({f"{AROUND}model.layers.2.mlp.experts.lora_A.weight": (4, 1),
      f"{AROUND}model.layers.2.mlp.experts.lora_B.weight": (1, 4)}, {}, r"of fused experts"),
    ({**PAIR, f"{AROUND}{Q}.lora_B.bias": (256,)}, {}, r"no weight .*q_proj\.bias"),
    ({f"{AROUND}model.norm.weight": (64,)}, {}, r"has shape 64, and the base's has 128"),
    ({f"{AROUND}{EMBEDDING}.weight": (4100, 64)}, {}, r"4100 x 64, and the base's has 4096 x 128"),
    ({**PAIR, f"{AROUND}lm_head.weight": (4100, 128),
      f"{AROUND}{EMBEDDING}.weight": (4096, 128)}, {"modules_to_save": ["norm"]},
     r"lacks model\.norm\.weight, which modules_to_save names"),
    ({**PAIR, f"{AROUND}{Q[6:]}.lora_A.weight": (4, 128), f"{AROUND}{Q[6:]}.lora_B.weight":
      (256, 4)}, {}, r"q_proj\.weight is changed twice"),
]  # fmt: skip


def headers(shapes, dtype="F32"):
    return {name: TensorEntry(dtype, shape, 0, 0) for name, shape in shapes.items()}


def merges(shapes, *, dtype="F32", **said):
    config = adapter_config({**CONFIG, **said})
    tensors = headers(shapes, dtype)
    return find_merges(config, tensors, BASE, num_tokens=4096, is_tied=True)


def test_what_is_no_sum_is_told_from_the_configuration():
    for said, words in NO_SUMS:
        with pytest.raises(UnmergeableError, match=words):
            adapter_config({**CONFIG, **said})
    assert adapter_config({**CONFIG, **BY_PEFT}).rank == 4


def test_what_does_not_fit_is_told_from_headers():
    for shapes, said, words in MISFITS:
        with pytest.raises(UnmergeableError, match=words):
            merges(shapes, **said)
    with pytest.raises(UnmergeableError, match=r"lora_A\.weight is stored as I8"):
        merges(PAIR, dtype="I8")
    assert merges(PAIR).weights.keys() == {f"{Q}.weight"}


def test_names_begin_in_other_ways_in_releases():
    for module, stored in (
        ("layers.0.q", "model.layers.0.q"),
        ("transformer.h.0.q", "h.0.q"),
        ("model.language_model.layers.0.q", "language_model.model.layers.0.q"),
        ("model.language_model.layers.0.q", "model.layers.0.q"),
        ("model.layers.0.q", "model.language_model.layers.0.q"),
        ("model.visual.blocks.0.q", "visual.blocks.0.q"),
    ):
        pair = {
            f"{AROUND}{module}.lora_A.weight": (4, 2),
            f"{AROUND}{module}.lora_B.weight": (3, 4),
        }
        base = {f"{stored}.weight": (3, 2), "other.weight": (3, 2)}
        found = find_merges(adapter_config(CONFIG), headers(pair), base, num_tokens=9, is_tied=True)
        assert list(found.weights) == [f"{stored}.weight"]


def test_patterns_are_matched_as_peft_does():
    for pattern, module, fits in (
        ("q_proj", "a.q_proj", True),
        ("q_proj", "a.xq_proj", False),
        ("^q_proj", "a.q_proj", False),
        ("^a.q_proj", "a.q_proj", True),
        (r"^a\.q_proj$", "a.q_proj", True),
        ("a.*proj", "b.a.x.q_proj", True),
        (".*", "anything", True),
        ("a.*b.*b", "ab", False),
        ("a.*b.*b", "axbxb", True),
        ("ab.*bc", "abc", False),
    ):
        expected = re.match(rf"(.*\.)?({pattern})$", module) is not None
        assert expected == fits
        assert ModulePatterns({pattern: 1}).of(module, 0) == fits, (pattern, module)
    assert ModulePatterns({"b.c": 1, "c": 2}).of("a.b.c", 0) == 1
    assert ModulePatterns({".*c": 3, "c": 2}).of("a.b.c", 0) == 3
    with pytest.raises(UnreadablePatternError, match=r"the pattern x\|y"):
        ModulePatterns({"x|y": 1})
    with pytest.raises(UnreadablePatternError, match=r"201 patterns with \.\*, more than 200"):
        ModulePatterns({f"a{number}.*": 1 for number in range(201)})


def refused(folder, *words, more=()):
    done = hubmaxact_here("measure", folder, *more, cwd=folder.parent)
    lines = [line for line in done.stderr.splitlines() if line.startswith("hubmaxact: ")]
    assert (done.returncode, len(lines), "Traceback" in done.stderr) == (2, 1, False), done.stderr
    for word in words:
        assert re.search(word, lines[0]), lines[0]
    assert not (folder.parent / "activation_maxima.json").exists()


def test_a_sentence_names_adapter_base_and_reason(tmp_path):
    dora = write_adapter(tmp_path / "dora", {}, use_dora=True)
    refused(dora, "^hubmaxact: dora is an adapter of alice/base that cannot be merged", "use_dora")
    lora = tmp_path / "lora"
    for named, words in (
        ("/data/llama", "to be merged into /data/llama, which is no Hub id .* with --base"),
        ("../llama", "no Hub id"),
        (r"C:\\llama", "no Hub id"),
        (None, "does not say what it is merged into. Give the base with --base"),
    ):
        write_adapter(lora, plain(), base_model_name_or_path=named)
        refused(lora, "^hubmaxact: lora is an adapter", words)
    given = ("--base", dora)
    refused(lora, f"lora is an adapter of {re.escape(str(dora))}", "not a ch", more=given)
    refused(lora, "'./nothing' is not a repository id", more=("--base", "./nothing"))
    write_adapter(lora, {**plain(), f"{AROUND}x.weight": plain()[A]})
    refused(lora, "adapter of dense that .* has no weight x.weight", more=("--base", DENSE))


def test_a_base_is_for_adapters_alone(tmp_path):
    whole = shutil.copytree(DENSE, tmp_path / "whole")
    given = ("--base", DENSE)
    refused(whole, "whole is no adapter to be merged into", "leave --base out", more=given)
    (whole / "adapter_config.json").write_text(json.dumps(CONFIG))
    for more in ((), given):
        refused(whole, "lies beside whole weights, and transformers would load both", more=more)


def test_code_is_not_trusted_where_something_is_merged(tmp_path):
    given = ("--base", DENSE, "--trust-remote-code")
    refused(tmp_path, "nobody's code runs where .* Leave --trust-remote-code out", more=given)
