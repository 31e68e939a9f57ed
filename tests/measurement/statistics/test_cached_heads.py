"""Channels, pairs and logits of cached heads equal what plain loops find."""

from math import fsum, inf, nan, sqrt

import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from hubmaxact.measurement.anatomy.seen_attention import Attended
from hubmaxact.measurement.anatomy.site import Anatomy, Point, Site
from hubmaxact.measurement.execution.head_recorder import HeadRecorder
from hubmaxact.measurement.rotary_pairs import Pairs
from hubmaxact.measurement.statistics.attention_logits import (
    LargestLogit,
    LogitBound,
    Products,
    QueriesAndKeys,
)
from hubmaxact.measurement.statistics.group_maxima import TorchMaxima
from hubmaxact.measurement.statistics.rotary_envelope import RotaryEnvelope

KEYS, QUERIES = (
    Site(role=role, layer=0, part=None, module="attention", point=point)
    for role, point in (("key", Point.KEY), ("query", Point.QUERY))
)
ANATOMY = Anatomy(
    owner="",
    num_layers=1,
    sites=(KEYS, QUERIES),
    absent={},
    missing=(),
    experts={},
    num_experts={},
    experts_per_token={},
    routing_layers=(),
    pairs={KEYS: Pairs(6)},
)
KEPT = torch.tensor([[True, True, True], [True, False, False]])


def keys(dtype=torch.bfloat16):
    """Two texts, two heads, three tokens, six channels; what is padding is enormous."""
    generator = torch.Generator().manual_seed(5)
    x = torch.randn((2, 2, 3, 6), generator=generator).to(dtype)
    x[1, :, 1:] = 1e30
    return x


def real(x):
    """Token by token, each as (heads, channels)."""
    return [x[b, :, t].double() for b, t in KEPT.nonzero().tolist()]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize(
    ("pairs", "which"),
    [
        (Pairs(6), [(0, 3), (1, 4), (2, 5)]),
        (Pairs(4), [(0, 2), (1, 3)]),
        (Pairs(6, are_neighbours=True), [(0, 1), (2, 3), (4, 5)]),
    ],
)
def test_pairs_of_real_tokens_are_counted(dtype, pairs, which):
    x = keys(dtype)
    seen = RotaryEnvelope(pairs)
    seen.update(x, KEPT)
    result = seen.result()
    for head in range(2):
        tokens = [token[head] for token in real(x)]
        norms = [max(sqrt(t[a] ** 2 + t[b] ** 2) for t in tokens) for a, b in which]
        assert result[head] == pytest.approx(norms, rel=2**-24)


@pytest.mark.parametrize(
    ("a", "b", "pair"),
    [
        (3.0, nan, 3.0),
        (-inf, nan, 0.0),
        (3.0, -4.0, 5.0),
        (0.0, -0.0, 0.0),
        (2.0**65, 1.0, inf),  # its square is beyond float32
    ],
)
def test_what_is_not_finite_counts_for_nothing_and_hides_nothing(a, b, pair):
    seen = RotaryEnvelope(Pairs(2))
    seen.update(torch.tensor([a, b]).reshape(1, 1, 1, 2))
    assert seen.result() == ((pair,),)


def test_heads_of_other_pairs_do_not_merge():
    with pytest.raises(ValueError, match="expected"):
        RotaryEnvelope(Pairs(6)).merge(RotaryEnvelope(Pairs(4)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_no_product_exceeds_the_bound_and_parallel_ones_reach_it(dtype):
    generator = torch.Generator().manual_seed(5)
    for scale in (1.0, 1e-30, 1e15):
        query = (torch.randn((1, 4, 9, 40), generator=generator) * scale).to(dtype)
        key = torch.randn((1, 2, 9, 40), generator=generator).to(dtype)
        query[0, 2, 5] *= 8
        key[0, 1, 3] = query[0, 2, 5]  # both are the longest of their heads
        seen = LogitBound()
        seen.update(QueriesAndKeys(query, key, -0.25))
        products = [
            abs(0.25 * fsum((q.double() * k.double()).tolist()))
            for h in range(4)
            for q in query[0, h]
            for k in key[0, h // 2]
        ]
        assert max(products) <= seen.result()
        if scale > 1:
            assert seen.result() <= max(products) * (1 + 1e-4)


def test_each_query_head_meets_its_own_key_head_alone():
    query, key = torch.zeros((1, 4, 2, 8)), torch.zeros((1, 2, 2, 8))
    query[0, 1, 0, 0] = 8.0  # of the first group
    query[0, 2, 1, 1] = 2.0
    key[0, 1, 0, 2] = 4.0  # which only the second group meets
    seen = LogitBound()
    seen.update(QueriesAndKeys(query, key, 1.0))
    assert seen.result() == pytest.approx(8.0, rel=1e-5)
    assert seen.result() > 8.0


def test_padding_bounds_nothing_and_what_is_not_finite_has_no_bound():
    query, key = keys(), keys()
    whole, one = LogitBound(), LogitBound()
    whole.update(QueriesAndKeys(query, key, 1.0, KEPT))
    query[1, 0, 2, 0] = nan
    one.update(QueriesAndKeys(query, key, 1.0, KEPT))
    assert one.result() == whole.result() < 100
    key[0, 0, 0, 0] = -inf
    one.update(QueriesAndKeys(query, key, 1.0, KEPT))
    assert one.result() == inf
    whole.merge(one)
    assert whole.result() == inf


def test_the_largest_logit_is_one_that_counts():
    logits = torch.tensor([[1.0, -7.0], [-5.0, nan]]).reshape(1, 1, 2, 2)
    counts = torch.tensor([[True, False], [True, False]])
    seen = LargestLogit()
    assert seen.result() is None
    seen.update(Products(logits, counts))
    assert seen.result() == 5.0
    seen.update(Products(logits, counts.T))
    assert seen.result() == 7.0
    seen.update(Products(logits, ~counts.T))
    assert seen.result() == inf


def test_nothing_waits_for_the_device():
    """Tensors without values refuse whatever needs one of them on the host."""
    with FakeTensorMode():
        query, kept = torch.empty((2, 4, 3, 6), dtype=torch.bfloat16), torch.ones((2, 3)) > 0
        mask = torch.empty((2, 1, 3, 3), dtype=torch.bfloat16)
        recorder = HeadRecorder(ANATOMY)
        for _ in range(2):
            recorder.cached(KEYS, query, kept, TorchMaxima())
            seen = Attended(query, query[:, :2], mask, 0.5)
            recorder.attended(QUERIES, seen, kept, TorchMaxima())
            recorder.logits(QUERIES, query @ query.mT, mask, kept)
        assert len(recorder.parts()) == 3
        with pytest.raises(DataDependentOutputException):
            recorder.result()


@pytest.mark.parametrize(
    ("heads", "length", "scaling"), [(3, 3, 1.0), (2, 2, 1.0), (2, 3, None), (None, 3, 1.0)]
)
def test_what_is_not_told_bounds_nothing(heads, length, scaling):
    query = torch.ones((2, 4, 3, 6))
    key = None if heads is None else torch.ones((2, heads, length, 6))
    recorder = HeadRecorder(ANATOMY)
    recorder.attended(QUERIES, Attended(query, key, None, scaling), None, TorchMaxima())
    assert recorder.result().logits == {}
