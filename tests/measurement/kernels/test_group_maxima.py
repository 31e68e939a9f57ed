"""Norms of heads, squares of pairs and maxima of experts equal what plain loops find."""

import math

import numpy as np
import pytest
import torch
from measurement.kernels.adversarial import DEVICE, DTYPES

from hubmaxact.measurement.kernels.choice import reader_of
from hubmaxact.measurement.kernels.torch_operations import TorchOperations
from hubmaxact.measurement.rotary_pairs import Pairs
from hubmaxact.measurement.statistics.expert_squares import ExpertSquares, Reached

SHAPES = [
    (1, 1, 1, 1),
    (2, 3, 5, 6),
    (3, 4, 7, 40),
    (2, 32, 19, 128),
    (1, 200, 9, 8),
    (2, 2, 4, 576),
]
"""Sequences, heads, tokens, channels."""
LAYOUTS = {
    "heads of tokens": lambda x: x.transpose(1, 2).contiguous().transpose(1, 2),
    "tokens of heads": lambda x: x,
    "inside a wider tensor": lambda x: torch.cat([x, x], dim=-1)[..., : x.shape[-1]],
    "every second channel": lambda x: x.repeat_interleave(2, dim=-1)[..., ::2],
    "transposed": lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
}


@pytest.fixture(scope="module")
def maxima():
    """Return how the fast reader of this device finds them."""
    fast = reader_of(DEVICE)
    assert not isinstance(fast, TorchOperations)
    return fast.maxima


def heads(shape, dtype, layout, scale=1.0):
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(shape, generator=generator) * scale
    kept = torch.rand((shape[0], shape[2]), generator=generator) < 0.7
    kept[0, 0] = True
    return LAYOUTS[layout](x.to(dtype)).to(DEVICE), kept.to(DEVICE)


def real(x, kept):
    """The tokens that count, (heads, tokens, channels) in float64."""
    x = x.cpu().double().transpose(0, 1)
    return x.flatten(1, 2) if kept is None else x[:, kept.cpu()]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_norms_are_those_of_real_tokens(maxima, dtype, shape, layout):
    x, kept = heads(shape, dtype, layout)
    for counted in (None, kept):
        found = maxima.norms(x, counted).tolist()
        assert found == pytest.approx(real(x, counted).norm(dim=-1).amax(dim=1).tolist(), rel=1e-6)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 3e38])
def test_a_norm_that_is_no_number_is_infinite_where_its_token_counts(maxima, value):
    x, kept = heads((2, 4, 6, 24), torch.float32, "heads of tokens")
    x[1, 2, 3, 5] = value
    kept[1, 3] = False
    assert maxima.norms(x, kept).isfinite().all()
    kept[1, 3] = True
    assert maxima.norms(x, kept).isinf().tolist() == [False, False, True, False]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape[3] > 1], ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_squares_of_pairs_are_float32s(maxima, dtype, shape, layout):
    x, kept = heads(shape, dtype, layout, scale=3e18 if dtype == torch.float32 else 1.0)
    x[-1, -1, -1, 0], x[0, 0, 0, 1] = math.nan, -math.inf
    for pairs in (Pairs(shape[3]), Pairs(2), Pairs(shape[3] // 4 * 2 or 2, are_neighbours=True)):
        for counted in (None, kept):
            tokens = real(x, counted).float().numpy()
            tokens[~np.isfinite(tokens)] = 0
            first, second = (part.numpy() for part in pairs.of(torch.from_numpy(tokens)))
            with np.errstate(over="ignore"):
                expected = (first * first + second * second).max(axis=1)
            found = maxima.pair_squares(x, counted, pairs).cpu().numpy()
            assert np.array_equal(found, expected)


@pytest.mark.parametrize("index", [torch.int64, torch.int32])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("width", [1, 40, 264, 2048])
def test_experts_are_given_what_is_routed_to_them(maxima, width, dtype, index):
    generator = torch.Generator().manual_seed(width)
    x = torch.randn((70, width), generator=generator).to(dtype)
    x[3], x[9, 0], x[11, -1] = math.nan, math.inf, -math.inf
    chosen = torch.randint(1, 9, (70, 3), generator=generator, dtype=index)  # never the first
    kept = torch.rand(70, generator=generator) < 0.5
    for counted in (None, kept):
        expected = [-1.0] * 7
        for row in range(70):
            values = [abs(v) for v in x[row].float().tolist() if math.isfinite(v)]
            if counted is not None and not counted[row]:
                continue
            for expert in chosen[row].tolist():
                if expert < 7:
                    expected[expert] = max([expected[expert], *values])
        there = None if counted is None else counted.to(DEVICE)
        found = maxima.of_experts(x.to(DEVICE), chosen.to(DEVICE), there, 7)
        assert found.tolist() == expected


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("width", [1, 40, 128, 300])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_experts_have_the_squares_of_what_is_routed_to_them(maxima, dtype, width, layout):
    generator = torch.Generator().manual_seed(width)
    x = torch.randint(-8, 9, (1, 1, 50, width), generator=generator)  # whose sums are exact
    chosen = torch.rand((50, 9), generator=generator).argsort(dim=1)[:, :3]  # 7 and 8: of none
    expected = np.zeros((7, width))
    for row, numbers in zip(x[0, 0].numpy(), chosen.tolist(), strict=True):
        for expert in numbers:
            if expert < 7:
                expected[expert] += row**2
    squares, there = ExpertSquares(7, DEVICE), LAYOUTS[layout](x.to(dtype))[0, 0].to(DEVICE)
    maxima.add_squares(Reached(there, chosen.to(DEVICE)), squares)
    maxima.add_squares(Reached(there, chosen.to(DEVICE)), squares)
    found = squares.result()
    assert found.sums_ED.tolist() == (2 * expected).tolist()
    assert found.num_rows == tuple(2 * (chosen == n).sum().item() for n in range(7))
