"""Tensors rounded in pieces, in the run's own number format, at the thresholds of error rows."""

import pytest
import torch

from hubmaxact.deployed_formats import DEPLOYED_FORMATS
from hubmaxact.measurement.asked_rounding import asked_roundings
from hubmaxact.measurement.end_to_end.thresholds import threshold
from hubmaxact.measurement.rounding import rounder
from hubmaxact.measurement.rounding.tensors import rounded

X = torch.linspace(-3, 3, 7 * 5 * 48).view(7, 5, 48) ** 5


def rows_by(way, limit):
    return lambda rows: rounded(rows, way, limit).values


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_pieces_are_rounded_as_the_whole(dtype, monkeypatch):
    monkeypatch.setitem(rounder.AT_ONCE, "cpu", 100)
    x = X.to(dtype)
    for way in DEPLOYED_FORMATS:
        limit = 200.0 if way.has_threshold else None
        found = rounder.rounded_alike(x, rows_by(way, limit))
        whole = rounded(x.flatten(0, 1), way, limit).values
        assert (found.dtype, found.shape) == (dtype, x.shape)
        assert torch.equal(found.flatten(0, 1), whole.to(dtype))


def test_the_largest_of_fp16_stays_finite():
    x = torch.tensor([[65504.0, -65504.0, 1.0, torch.inf]], dtype=torch.float16)
    for asked in asked_roundings("int8/per_token,float8_e5m2,mxfp8"):
        limit = 65504.0 if asked.way.has_threshold else None
        found = rounder.rounded_alike(x, rows_by(asked.way, limit))
        assert found.isfinite().tolist() == [[True, True, True, False]]


def test_what_several_maps_read_is_rounded_once():
    rounds = []
    one = rounder.Rounder(lambda key, rows: rounds.append(key) or rows.clone())
    first = one("a", "q_proj", X)
    assert one("a", "k_proj", X) is first
    one("b", "o_proj", X)
    one("a", "q_proj", X.clone())
    one.forget()
    assert rounds == ["a", "b", "a"]
    assert one.done == {"q_proj", "k_proj", "o_proj"}


def test_thresholds_are_those_that_errors_are_told_at(ready):
    found = ready("dense").measurement
    site = next(s for s in found.anatomy.sites if s.role == "linear_input")
    statistics = found.recorder.sites[site]
    told = statistics.result().counted_errors.thresholds
    assert {way.policy for way in told} == {"max_abs", "clip_q0.999", "mse"}
    assert {way: threshold(statistics, way) for way in told} == told
