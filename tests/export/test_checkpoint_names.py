"""Scales go by the names that a checkpoint's files have, not by those that modules have."""

import pytest

from hubmaxact.engine_files.checkpoint_names import in_checkpoint
from hubmaxact.engine_files.request import NotExportableError

TEXT = ["language_model.model.layers.1.self_attn.k_proj.weight"]
TOWER = ["vision_tower.vision_model.encoder.layers.1.self_attn.k_proj.weight"]


@pytest.mark.parametrize(
    ("module", "tensors", "found"),
    [
        (
            "model.layers.1.self_attn",
            ["model.layers.1.self_attn.k_proj.weight", "model.layers.11.self_attn.k_proj.weight"],
            "model.layers.1.self_attn",
        ),
        ("transformer.h.1.attn", ["h.1.attn.c_attn.weight", "h.11.attn.bias"], "h.1.attn"),
        ("transformer.h.1.attn", ["1.attn.c_attn.weight", "11.attn.bias"], "1.attn"),
        (
            "model.language_model.layers.1.self_attn",
            TEXT + TOWER,
            "language_model.model.layers.1.self_attn",
        ),
        (
            "model.layers.1.self_attn",
            ["layers.1.self_attn.k_proj.weight", *TOWER, "model.layers.1.self_attn.q.weight"],
            "model.layers.1.self_attn",
        ),
    ],
)
def test_the_name_that_ends_alike_for_longest(module, tensors, found):
    assert in_checkpoint([module], tensors) == {module: found}


def test_of_two_that_might_be_meant_none_is():
    tensors = [f"{name}.layers.1.self_attn.k_proj.weight" for name in ("encoder", "decoder")]
    with pytest.raises(NotExportableError, match=r"decoder\.layers\.1\.self_attn or encoder\."):
        in_checkpoint(["model.layers.1.self_attn"], tensors)


def test_a_module_that_is_nowhere_is_named():
    with pytest.raises(NotExportableError, match=r"no tensor in model\.layers\.1\.self_attn"):
        in_checkpoint(["model.layers.1.self_attn"], ["model.layers.1.self_attention.k.weight"])
