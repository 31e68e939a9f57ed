"""The contract that every accumulator signs.

Batching, order and merging change no bit; a state goes on; results may be asked twice; what it
does not take is refused.
"""

import copy
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.order import chunks, every_way, facts
from safetensors.torch import load, save

from hubmaxact.measurement import statistics
from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.rotary_pairs import Pairs
from hubmaxact.measurement.statistics.attention_logits import (
    LargestLogit,
    LogitBound,
    Products,
    QueriesAndKeys,
)
from hubmaxact.measurement.statistics.bf16_histogram import Bf16Histogram
from hubmaxact.measurement.statistics.block_maxima import BlockMaxima
from hubmaxact.measurement.statistics.channel_maxima import ChannelMaxima
from hubmaxact.measurement.statistics.distribution import Bins, Distribution
from hubmaxact.measurement.statistics.exact_sums import ExactSums
from hubmaxact.measurement.statistics.experts import ExpertMaxima, RoutedTokens
from hubmaxact.measurement.statistics.float_values import FloatValues
from hubmaxact.measurement.statistics.int8_error import Int8Errors
from hubmaxact.measurement.statistics.massive_tokens import Massive
from hubmaxact.measurement.statistics.rotary_envelope import RotaryEnvelope
from hubmaxact.measurement.statistics.rows import Rows, Tokens
from hubmaxact.measurement.statistics.rows_beyond import RowsBeyond
from hubmaxact.measurement.statistics.sample_maxima import SampleMaxima
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.measurement.statistics.stretches import num_stretches
from hubmaxact.measurement.statistics.top_values import TopValues

METHODS = {"update", "merge", "state", "load", "result"}
NUM_SAMPLES, NUM_EXPERTS, PER_TOKEN = 4, 3, 2
THRESHOLDS = {"max_abs": 150.0, "clip_q0.999": 0.7}
EDGES = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 150.0, -150.0, 1e-40, -1e-40, 1e-6, 2e5, 60000.0]
ODD = [float("nan"), float("inf"), float("-inf")]


@dataclass(frozen=True)
class Seen:
    """What a layer shows of some tokens; rows are told apart by number."""

    x_TD: torch.Tensor  # float32
    columns_3T: np.ndarray  # sample, position, token id
    expert_T: torch.Tensor  # NUM_EXPERTS and above: none
    dtype: torch.dtype = torch.float32

    def values(self, rows):
        return self.x_TD[rows].to(self.dtype)

    def finite(self, rows):
        values = self.values(rows)
        return values[values.isfinite()]

    def rows(self, rows, *, experts=False):
        columns = self.columns_3T[:, rows.numpy()]
        distinct, group = np.unique(columns[2], return_inverse=True)
        tokens = Tokens(torch.from_numpy(np.vstack([columns, group[None]])), len(distinct))
        expert_T = self.expert_T[rows] if experts else None
        return Rows.of(self.values(rows), tokens, Split.EVALUATION, expert_T)

    def expert_rows(self, rows):
        return self.rows(rows, experts=True)

    def chosen(self, rows):
        return torch.stack([self.expert_T[rows], (self.expert_T[rows] + 1) % 5], dim=1)


@dataclass(frozen=True)
class Entry:
    """An accumulator, what it takes of some rows, and what it refuses."""

    make: Callable[[], Any]
    take: Callable[[Seen, torch.Tensor], Any]
    dtype: torch.dtype = torch.float32
    refuses: list[Callable[[Seen], Any]] = field(default_factory=list)

    def update(self, seen):
        return lambda state, rows: state.update(self.take(seen, rows))


ALL = torch.arange(2)
BF16, FP16, FP32 = torch.bfloat16, torch.float16, torch.float32


def in_bf16(seen):
    return seen.x_TD[ALL].to(BF16)


def rows_in(dtype):
    return lambda seen: replace(seen, dtype=dtype).rows(ALL)


def heads(seen, rows):
    """Each row as a token of two heads of two channels."""
    return seen.values(rows)[:, :1].expand(-1, 4).reshape(1, len(rows), 2, 2).transpose(1, 2)


def multiplied(seen, rows):
    return QueriesAndKeys(heads(seen, rows), heads(seen, rows)[:, :1], -0.5)


def products(seen, rows):
    return Products(seen.values(rows)[None, None], torch.ones((), dtype=torch.bool))


ENTRIES = {
    "Bf16Histogram": Entry(Bf16Histogram, Seen.values, BF16, [lambda seen: seen.x_TD]),
    "FloatValues fp16": Entry(FloatValues, Seen.values, FP16, [in_bf16]),
    "FloatValues fp32": Entry(FloatValues, Seen.values, FP32, [in_bf16]),
    "ExactSums": Entry(ExactSums, Seen.finite, FP32, [in_bf16]),
    "Int8Errors": Entry(lambda: Int8Errors(0.7), Seen.values),
    "TopValues bf16": Entry(TopValues, Seen.rows, BF16),
    "TopValues fp32 in experts": Entry(TopValues, Seen.expert_rows),
    "Massive": Entry(Massive, Seen.rows),
    "SampleMaxima": Entry(lambda: SampleMaxima(num_stretches(NUM_SAMPLES)), Seen.rows),
    "ExpertMaxima": Entry(
        lambda: ExpertMaxima(NUM_EXPERTS), Seen.expert_rows, BF16, [rows_in(BF16)]
    ),
    "ChannelMaxima": Entry(ChannelMaxima, Seen.rows, BF16),
    "BlockMaxima": Entry(BlockMaxima, Seen.rows),
    "RowsBeyond": Entry(RowsBeyond, Seen.rows),
    "RotaryEnvelope": Entry(
        lambda: RotaryEnvelope(Pairs(2)), heads, BF16, [lambda seen: heads(seen, ALL)[:, :1]]
    ),
    "LogitBound": Entry(
        LogitBound,
        multiplied,
        FP32,
        [lambda seen: QueriesAndKeys(heads(seen, ALL), heads(seen, ALL), 1.0)],
    ),
    "LargestLogit": Entry(LargestLogit, products, BF16),
    "RoutedTokens": Entry(lambda: RoutedTokens(NUM_EXPERTS), Seen.chosen),
    "SiteStatistics bf16": Entry(
        lambda: SiteStatistics(BF16), Seen.rows, BF16, [rows_in(FP32), rows_in(FP16)]
    ),
    "SiteStatistics fp16 of a linear input": Entry(
        lambda: SiteStatistics(FP16, is_linear_input=True, thresholds=THRESHOLDS), Seen.rows, FP16
    ),
    "SiteStatistics fp32 in experts": Entry(
        lambda: SiteStatistics(FP32, num_experts=NUM_EXPERTS, thresholds=THRESHOLDS),
        Seen.expert_rows,
        FP32,
        [rows_in(BF16), rows_in(FP32)],
    ),
}


@st.composite
def seen_by(draw, dtype):
    """Rows of few different values, so that ties are common, with coordinates in any order."""
    num_rows, width = draw(st.integers(2, 24)), draw(st.integers(1, 5))
    pool = EDGES if draw(st.booleans()) else EDGES + ODD
    cells = st.lists(st.sampled_from(pool), min_size=num_rows * width, max_size=num_rows * width)
    x_TD = torch.tensor(draw(cells)).reshape(num_rows, width)
    places = draw(st.permutations([(s, p) for s in range(NUM_SAMPLES) for p in range(6)]))
    ids = draw(st.lists(st.integers(0, 6), min_size=num_rows, max_size=num_rows))
    columns = np.array([[*place, token] for place, token in zip(places, ids, strict=False)]).T
    experts = draw(st.lists(st.integers(0, 4), min_size=num_rows, max_size=num_rows))
    return Seen(x_TD, columns.astype(np.int64), torch.tensor(experts), dtype)


def bits(state):
    """A state as plain integers by name: dtype, shape, and the bits of what is not zero."""
    whole = {name: tensor.view(-1).view(torch.uint8) for name, tensor in state.items()}
    return {
        name: (tensor.dtype, tensor.shape, where.tolist(), whole[name][where].tolist())
        for name, tensor in state.items()
        for where in [whole[name].nonzero().flatten()]
    }


def plain(result):
    """A result as plain values that compare with ==."""
    if isinstance(result, Distribution):
        return facts(result)
    if isinstance(result, np.ndarray):
        return result.tolist()
    if isinstance(result, Bins):
        return result.values.tolist(), result.counts.tolist()
    if isinstance(result, Mapping):
        return {name: plain(value) for name, value in result.items()}
    if is_dataclass(result):
        return {name: plain(getattr(result, name)) for name in result.__dataclass_fields__}
    return result


def told(state):
    return bits(state.state()), plain(state.result())


@pytest.mark.by_day(
    "Bf16Histogram",
    "FloatValues fp32",
    "TopValues bf16",
    "Massive",
    "ChannelMaxima",
    "RotaryEnvelope",
    "SiteStatistics fp32 in experts",
)
@pytest.mark.parametrize("name", ENTRIES)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data(), cuts=st.lists(st.integers(0, 24), max_size=3), shuffle=st.randoms())
def test_batches_order_and_merges_change_no_bit(name, data, cuts, shuffle):
    entry = ENTRIES[name]
    seen = data.draw(seen_by(entry.dtype))
    rows = list(range(len(seen.x_TD)))
    shuffled = torch.tensor(shuffle.sample(rows, len(rows)))
    one = entry.make()
    entry.update(seen)(one, shuffled)
    first = told(one)
    states = every_way(entry.make, entry.update(seen), chunks(torch.tensor(rows), cuts))
    assert all(told(state) == first for state in states)


@pytest.mark.by_day(
    "FloatValues fp32", "TopValues bf16", "Massive", "SiteStatistics fp32 in experts"
)
@pytest.mark.parametrize("name", ENTRIES)
@settings(max_examples=5, deadline=None, derandomize=True)
@given(data=st.data(), cut=st.integers(0, 24))
def test_a_merge_leaves_the_other_as_it_was_and_shares_nothing_with_it(name, data, cut):
    entry = ENTRIES[name]
    seen = data.draw(seen_by(entry.dtype))
    first, second = chunks(torch.arange(len(seen.x_TD)), [cut])
    one, other = entry.make(), entry.make()
    update = entry.update(seen)
    update(one, first)
    update(other, second)
    before = told(copy.deepcopy(other))
    one.merge(other)
    assert told(other) == before
    update(one, first)
    assert told(other) == before


@pytest.mark.by_day(
    "Bf16Histogram", "FloatValues fp32", "Massive", "SiteStatistics fp32 in experts"
)
@pytest.mark.parametrize("name", ENTRIES)
@settings(max_examples=5, deadline=None, derandomize=True)
@given(data=st.data(), cut=st.integers(0, 24))
def test_a_state_goes_on_as_if_nothing_had_happened(name, data, cut):
    entry = ENTRIES[name]
    seen = data.draw(seen_by(entry.dtype))
    first, second = chunks(torch.arange(len(seen.x_TD)), [cut])
    update = entry.update(seen)
    undisturbed, resumed = entry.make(), entry.make()
    update(undisturbed, first)
    update(resumed, second)  # what it knew is forgotten
    kept = {name: tensor.clone() for name, tensor in undisturbed.state().items()}
    resumed.load(kept)
    assert told(resumed) == told(undisturbed)
    update(undisturbed, second)
    update(resumed, second)
    assert told(resumed) == told(undisturbed)
    again = entry.make()
    again.load(load(save(kept)))  # `kept` shares nothing with who loaded it, and can be stored
    update(again, second)
    assert told(again) == told(resumed)


@pytest.mark.parametrize("name", ENTRIES)
@settings(max_examples=3, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_result_may_be_asked_twice(name, data):
    entry = ENTRIES[name]
    seen = data.draw(seen_by(entry.dtype))
    state = entry.make()
    empty = plain(state.result())
    entry.update(seen)(state, torch.arange(len(seen.x_TD)))
    before, result = bits(state.state()), state.result()
    assert plain(result) == plain(state.result())
    assert bits(state.state()) == before
    frozen = plain(result)
    entry.update(seen)(state, torch.arange(len(seen.x_TD)))
    assert plain(result) == frozen, "a result changed after it was given"
    assert plain(entry.make().result()) == empty


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.refuses])
def test_what_an_accumulator_does_not_take_is_refused_and_leaves_it_as_it_was(name):
    entry = ENTRIES[name]
    columns = np.array([[0, 1], [0, 1], [5, 6]])
    seen = Seen(torch.ones(2, 3), columns, torch.tensor([0, 1]), entry.dtype)
    state = entry.make()
    entry.update(seen)(state, ALL)
    before = told(state)
    for observed in entry.refuses:
        with pytest.raises(ValueError, match="expected"):
            state.update(observed(seen))
        assert told(state) == before


def test_every_accumulator_signs_the_contract():
    found = set()
    for module in pkgutil.iter_modules(statistics.__path__, f"{statistics.__name__}."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            own = METHODS & vars(kind).keys()
            if kind.__module__ != module.name or getattr(kind, "_is_protocol", False) or not own:
                continue
            assert own == METHODS or is_dataclass(kind), f"{kind.__name__} has only {own}"
            found.add(kind.__name__)
    # Partial sums are rounded, so batches change bits: see tests of their own in statistics/.
    rounded = {"ChannelSquares", "ExpertInputs", "ExpertSquares", "FormatErrors"}
    assert found == {name.split()[0] for name in ENTRIES} | rounded
