"""Compiled loops end in the bits of torch's operations, and are not used where they do not."""

import sys

import numpy as np
import pytest
import torch
from measurement.dequantization.cases import CASES
from measurement.dequantization.stored import same_bits

from hubmaxact.measurement.dequantization import by_loops, filling, loop_codes, trial
from hubmaxact.measurement.dequantization.compiled_rows.rounding import to_bf16, to_fp16
from hubmaxact.measurement.dequantization.expand import expand
from hubmaxact.measurement.loops.cpu_threads import cpu_threads

DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def test_they_work_here():
    assert trial.why_no_loops() == ""
    assert list(trial.told_of_torch("alice/model")) == []


@pytest.mark.parametrize("name", CASES)
def test_both_ways_end_in_the_same_bits(monkeypatch, name):
    weight, parts, _ = CASES[name]()
    monkeypatch.setattr(filling, "PIECE", 64)
    monkeypatch.setattr(filling, "THREAD_PIECES", 1)
    with cpu_threads(3):
        by_compiled = [expand(weight, parts, dtype) for dtype in DTYPES]
    monkeypatch.setattr(filling, "why_no_loops", lambda: "asked")
    for dtype, found in zip(DTYPES, by_compiled, strict=True):
        wanted = expand(weight, parts, dtype)
        assert found.dtype == wanted.dtype == dtype
        assert same_bits(found.float(), wanted.float())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_they_round_as_torch_does(dtype):
    """All signs, exponents and leading bits, just below, at and above what is halfway."""
    high = torch.arange(1 << 19).int() << 13
    for low in (0, 1, 0xFFF, 0x1000, 0x1001, 0x1FFF):
        x = (high | low).view(torch.float32)
        wanted, found = x.to(dtype).view(torch.uint16).numpy(), np.empty(len(x), np.uint16)
        if dtype is torch.bfloat16:
            to_bf16(x.numpy(), found, by_loops.bf16_nan())
        else:
            to_fp16(x.numpy(), found)
        assert np.array_equal(found, wanted)


def test_loops_that_differ_are_not_used(monkeypatch):
    asked_again = trial.why_no_loops.__wrapped__
    assert asked_again() == ""
    monkeypatch.setattr(loop_codes, "AWQ_PLACES", (0, 1, 2, 3, 4, 5, 6, 7))
    assert "numbers differ here" in asked_again()


def test_without_numba_torch_does_it_and_the_run_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, by_loops.__name__, None)
    monkeypatch.setattr(trial, "why_no_loops", trial.why_no_loops.__wrapped__)
    (sentence,) = trial.told_of_torch("alice/model")
    assert "weights of alice/model are expanded by torch operations, because numba's" in sentence


def test_torch_has_its_threads_back():
    before = torch.get_num_threads()
    weight, parts, _ = CASES["awq"]()
    expand(weight, parts)
    assert torch.get_num_threads() == before
