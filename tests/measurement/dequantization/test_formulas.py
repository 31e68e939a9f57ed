"""Every formula against the same arithmetic number by number, to the bit."""

import math

import pytest
import torch
from measurement.dequantization.cases import CASES
from measurement.dequantization.one_by_one import e2m1, e4m3, e8m0
from measurement.dequantization.stored import same_bits

from hubmaxact.measurement.dequantization import filling, numbers
from hubmaxact.measurement.dequantization.expand import expand
from hubmaxact.measurement.dequantization.formulas import FORMULAS


@pytest.mark.parametrize("name", CASES)
def test_weights_are_equal_number_by_number(name):
    weight, parts, slow = CASES[name]()
    found = expand(weight, parts)
    assert same_bits(found, slow())
    assert found.is_contiguous()


@pytest.mark.parametrize("name", CASES)
def test_neither_pieces_nor_rounding_on_the_way_out_change_a_bit(monkeypatch, name):
    weight, parts, _ = CASES[name]()
    whole = expand(weight, parts)
    before = {part: tensor.clone() for part, tensor in parts.items()}
    monkeypatch.setattr(filling, "PIECE", 64)
    assert same_bits(expand(weight, parts), whole)
    for dtype in (torch.bfloat16, torch.float16):
        rounded = expand(weight, parts, dtype)
        assert rounded.dtype == dtype
        assert same_bits(rounded.float(), whole.to(dtype).float())
    for part, tensor in parts.items():  # what files hold is only read
        assert torch.equal(
            tensor.view(-1).view(torch.uint8), before[part].view(-1).view(torch.uint8)
        )


def test_every_formula_has_a_case():
    used = {case()[0].scheme.storage.formula for case in CASES.values()}
    assert used == set(FORMULAS)


def test_tables_hold_what_each_byte_stands_for():
    for table, meaning in ((numbers.e4m3(), e4m3), (numbers.e8m0(), e8m0)):
        assert same_bits(table[:, 0], torch.tensor([meaning(byte) for byte in range(256)]))
    fp4 = torch.tensor([[e2m1(byte & 15), e2m1(byte >> 4)] for byte in range(256)])
    assert same_bits(numbers.e2m1(), fp4)
    assert math.isnan(numbers.e8m0()[255])
    assert [byte for byte in range(256) if math.isnan(numbers.e4m3()[byte])] == [0x7F, 0xFF]
