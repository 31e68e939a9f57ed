"""Parts that contradict each other are named, and nothing is read beyond what there is."""

import json

import pytest
import torch
from measurement.dequantization.cases import CASES

from hubmaxact.measurement.dequantization.damaged import DamagedWeightError
from hubmaxact.measurement.dequantization.expand import expand


def state(**said):
    """bitsandbytes' own words about a weight of 6x64."""
    usual = {"blocksize": 64, "shape": [6, 64]}
    return written(json.dumps(usual | said))


def written(text):
    return torch.tensor(list(text.encode()), dtype=torch.uint8)


HUGE = 1 << 60
BNB, DOUBLE = "bitsandbytes, 4 bits", "bitsandbytes, double"
PACKED, ORDER = "packed, 4 bits", "packed, shuffled groups"
GPTQ, FP8 = "gptq, shuffled groups", "fp8 in cut blocks"
INDEX = torch.arange(64).int() // 16

# Case, part, what takes its place (None: it is not there), words of the refusal.
DAMAGED = [
    (FP8, "scale", None, "has no scale"),
    (FP8, "scale", torch.ones(2, 3), "2 x 3 scales or zero points, which do not cover 40 x 72"),
    (FP8, "scale", torch.ones(3, 3, 1), "scales of 3 dimensions"),
    (FP8, "codes", torch.ones(40, 72), "codes of float32"),
    (FP8, "codes", torch.ones(40, 71).to(torch.float8_e4m3fn), "codes of shape (40, 71) where"),
    ("int8, asymmetric", "zero_point", torch.ones(39, 1, dtype=torch.int8), "do not cover"),
    ("fp4 experts beside fp8", "scale", torch.ones(1, 1, dtype=torch.uint8), "do not cover"),
    ("nvfp4, divisor", "divisor", torch.ones(3), "3 second scales for 1 matrices"),
    ("nvfp4, factor", "factor", None, "has no factor"),
    ("nvfp4, a stack of experts", "scale", torch.ones(3, 40, 6), "for other matrices"),
    ("mxfp4, experts of gpt-oss", "scale", torch.ones(3, 40, 1), "scale of shape (3, 40, 1)"),
    (PACKED, "shape", torch.tensor([40, 81]), "says that it has 40 x 81 numbers, and holds"),
    (PACKED, "shape", torch.tensor([40, HUGE]), f"says that it has 40 x {HUGE} numbers"),
    (PACKED, "shape", torch.tensor([40, -1]), "says that it has 40 x -1 numbers"),
    (PACKED, "shape", torch.tensor([1, 75]), "says that it has 1 x 75 numbers"),
    (PACKED, "shape", torch.tensor([40, 8]), "codes of shape (40, 10) where (40, 1) belongs"),
    (PACKED, "codes", torch.ones(40, 10), "codes of float32"),
    (ORDER, "group_index", torch.full((75,), 5), "leads beyond its 5 groups"),
    (ORDER, "group_index", torch.full((75,), -2), "leads beyond"),
    (ORDER, "group_index", torch.tensor([-1] + [0] * 74), "leads beyond"),
    (ORDER, "group_index", torch.zeros(74).int(), "group index of shape (74,) where (75,) belongs"),
    (ORDER, "zero_point", torch.ones(5, 4).int(), "zero point of shape (5, 4) where (5, 5)"),
    (GPTQ, "group_index", INDEX + 1, "leads beyond its 4 groups"),
    (GPTQ, "zero_point", torch.ones(4, 3).int(), "zero point of shape (4, 3) where (4, 4)"),
    (GPTQ, "scale", torch.ones(3, 32), "do not cover"),
    (GPTQ, "codes", torch.ones(8, 31).int(), "codes of shape (8, 31) where (8, 32) belongs"),
    ("awq", "codes", torch.ones(48, 2).int(), "codes of shape (48, 2) where (48, 3) belongs"),
    ("bitsandbytes, 8 bits", "scale", torch.ones(41), "scale of shape (41,) where (40,) belongs"),
    (BNB, "state", written("no JSON"), "a state that is no JSON"),
    (BNB, "state", written("[" * 4000), "a state that is no JSON"),
    (BNB, "state", written("[]"), "no JSON object"),
    (BNB, "state", torch.full((4,), 255, dtype=torch.uint8), "a state that is no JSON"),
    (BNB, "state", torch.full((5000,), 32, dtype=torch.uint8), "a state of 5000 bytes"),
    (BNB, "state", state(shape=[6, 65]), "192 bytes for 390 numbers"),
    (BNB, "state", state(shape=[1 << 30, 1 << 30]), "192 bytes for"),
    (BNB, "state", state(shape=[6, -64]), "without a shape"),
    (BNB, "state", state(shape=[]), "without a shape"),
    (BNB, "state", state(shape=[True, 384]), "without a shape"),
    (BNB, "state", state(shape="6"), "without a shape"),
    (BNB, "state", state(blocksize=0), "without an even block size"),
    (BNB, "state", state(blocksize=63), "without an even block size"),
    (BNB, "state", state(blocksize=32), "scale of shape (6,) where (12,) belongs"),
    (BNB, "scale", torch.ones(6, dtype=torch.uint8), "scale of uint8"),
    (BNB, "table", torch.ones(15), "table of shape (15,) where (16,) belongs"),
    (DOUBLE, "nested_table", None, "has no nested table"),
    (DOUBLE, "nested_scale", torch.ones(4), "nested scale of shape (4,) where (3,) belongs"),
    (DOUBLE, "state", state(shape=[17, 33]), "without the block size of its scales"),
    (DOUBLE, "state", state(shape=[17, 33], nested_blocksize=4, nested_offset="a"), "without the"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "part", "damaged", "words"), DAMAGED)
def test_a_damaged_part_is_named(case, part, damaged, words):
    weight, parts, _ = CASES[case]()
    parts[part] = damaged
    parts = {name: tensor for name, tensor in parts.items() if tensor is not None}
    with pytest.raises(DamagedWeightError) as caught:
        expand(weight, parts)
    assert words in str(caught.value)


def test_a_block_of_scales_that_claims_to_be_huge_costs_nothing():
    """2^40 scales that one number could serve would be 4 TiB."""
    weight, parts, _ = CASES[DOUBLE]()
    said = {"shape": [17, 33], "nested_blocksize": 1 << 40, "nested_offset": 0.0}
    parts |= {"state": state(**said), "nested_scale": torch.ones(1)}
    assert expand(weight, parts).shape == (17, 33)
