"""Products of narrow tensors in float32: exact where sums are, bounded in memory, all of them."""

import pytest
import torch
import transformers.integrations.moe  # noqa: F401 registers its operator for grouped products
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from hubmaxact.errors import ForwardPassError
from hubmaxact.measurement.execution.float32_products import (
    OPERATORS,
    PRODUCTS,
    Float32Products,
)
from hubmaxact.measurement.execution.wide_pieces import MOST_BYTES, NARROW
from hubmaxact.measurement.failures.own_error import own_errors_told

MULTIPLY = ("mm", "bmm", "addmm", "baddbmm", "addbmm", "mv", "addmv", "dot", "_grouped_mm")
MULTIPLY += ("convolution", "_trilinear")


HAS_GROUPED = hasattr(functional, "grouped_mm")
"""Whether torch is new enough to multiply so on a CPU."""


class Kernels(TorchDispatchMode):
    """Notes the formats that kernels multiply, and the most values of a float32 tensor."""

    def __init__(self):
        super().__init__()
        self.formats, self.most = set(), 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        if func.overloadpacket.__name__ in MULTIPLY:
            tensors = (each for each in args if isinstance(each, Tensor))
            self.formats |= {each.dtype for each in tensors if each.is_floating_point()}
        if isinstance(made, Tensor) and made.dtype == torch.float32:
            self.most = max(self.most, made.numel())
        return made


@pytest.fixture(params=NARROW, ids=str)
def draw(request):
    """Integers so small that every sum of their products is exact in any order."""
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randint(-5, 6, shape, generator=generator).to(request.param)


def calls(draw):
    """Every function of the table as a decoder calls it, with and without what may be left out."""
    x, w, b = draw(2, 5, 16), draw(8, 16), draw(8)
    flat, m = draw(10, 16), draw(16, 8)
    q, k = draw(2, 3, 4, 6), draw(2, 3, 6, 5)
    heads, keys, more = q.flatten(0, 1), k.flatten(0, 1), draw(6, 4, 5)
    signal, taps = draw(2, 4, 9), draw(4, 1, 3)
    experts, ends = draw(4, 16, 8), torch.tensor([3, 3, 4, 10], dtype=torch.int32)
    grouped = (
        ()
        if not HAS_GROUPED
        else (
            (functional.grouped_mm, (flat, experts), {"offs": ends}),
            (functional.grouped_mm, (flat.view(2, 5, 16), experts[:2]), {}),
            (torch._grouped_mm, (flat, experts, ends), {}),
            (torch._grouped_mm, (), {"input": flat, "mat2": experts, "offs": ends}),
        )
    )
    return (
        *grouped,
        (functional.linear, (x, w), {}),
        (functional.linear, (x, w, b), {}),
        (functional.linear, (x[0, 0], w), {"bias": b}),
        (functional.conv1d, (signal, taps, draw(4)), {"groups": 4, "padding": 2}),
        (functional.conv1d, (signal, draw(5, 4, 3)), {"bias": draw(5)}),
        (functional.conv2d, (draw(1, 2, 4, 4), draw(3, 2, 2, 2)), {}),
        (functional.conv3d, (draw(1, 2, 4, 4, 4), draw(3, 2, 2, 2, 2)), {}),
        (functional.bilinear, (draw(7, 3), draw(7, 2), draw(4, 3, 2)), {}),
        (torch.matmul, (q, k), {}),
        (torch.matmul, (q, k[:, :1]), {}),
        (torch.matmul, (x, m), {}),
        (torch.matmul, (flat[0], m), {}),
        (Tensor.matmul, (heads, keys), {}),
        (Tensor.__matmul__, (x, m), {}),
        (Tensor.__rmatmul__, (m, x), {}),
        (torch.mm, (flat, m), {}),
        (Tensor.mm, (flat, m), {}),
        (torch.bmm, (heads, keys), {}),
        (Tensor.bmm, (heads, keys), {}),
        (torch.mv, (m, draw(8)), {}),
        (Tensor.mv, (m, draw(8)), {}),
        (torch.inner, (flat, w), {}),
        (Tensor.inner, (flat, w), {}),
        (torch.addmm, (b, flat, m), {}),
        (Tensor.addmm, (draw(10, 8), flat, m), {"beta": 2}),
        (torch.addmv, (draw(16), m, draw(8)), {}),
        (Tensor.addmv, (draw(16), m, draw(8)), {}),
        (torch.baddbmm, (more, heads, keys), {"beta": 0, "alpha": 3}),
        (torch.baddbmm, (), {"input": more, "batch1": heads, "batch2": keys}),
        (Tensor.baddbmm, (more[:, :1],), {"batch1": heads, "batch2": keys, "beta": 2}),
        (torch.addbmm, (more[0], heads, keys), {}),
        (Tensor.addbmm, (more[0], heads, keys), {}),
        (torch.einsum, ("bhqd,bhdk->bhqk", q, k), {}),
        (torch.einsum, ("ab,cb->ac", [flat, w]), {}),
        (torch.tensordot, (x, m), {"dims": 1}),
        (torch.ops.transformers.grouped_mm_fallback, (flat, experts, ends), {}),
    )


def test_exact_sums_are_those_of_torchs_own_kernels(draw):
    for func, args, kwargs in calls(draw):
        native = func(*args, **kwargs)
        with Kernels() as kernels, Float32Products():
            ours = func(*args, **kwargs)
        assert ours.dtype == native.dtype, func
        assert torch.equal(ours, native), (func, args)
        assert kernels.formats <= {torch.float32}, func


def test_the_calls_are_of_every_function_in_the_table(draw):
    called = {func for func, *_ in calls(draw)}
    assert {func.__name__ for func in called - {*PRODUCTS}} == {*OPERATORS}
    too_old = set() if HAS_GROUPED else {getattr(torch, "_grouped_mm", None)}
    assert {*PRODUCTS} - called <= too_old


def test_a_sum_is_rounded_once_its_bias_included():
    x, w = torch.tensor([[256.0, 1.0]]).bfloat16(), torch.ones(1, 2).bfloat16()
    with Float32Products():
        assert functional.linear(x, w, torch.ones(1).bfloat16()).item() == 258.0


def test_what_is_not_narrow_alone_stays_as_it_is():
    x, w = torch.ones(2, 3).bfloat16(), torch.ones(3, 2)
    out = torch.empty(2, 2).bfloat16()
    with Float32Products():
        with pytest.raises(RuntimeError, match="dtype"):
            x @ w
        assert torch.mm(x, w.bfloat16(), out=out) is out
        assert torch.equal(w.mT @ w, torch.full((2, 2), 3.0))


LARGE = MOST_BYTES // 4


@pytest.mark.by_day("linear", "heads")
@pytest.mark.parametrize(
    ("shapes", "times"),
    [
        (((LARGE // 500, 256), (256, 256)), torch.matmul),
        (((2, LARGE // 1000, 256), (256, 256)), functional.linear),
        (((4, 8, 1100, 16), (4, 8, 16, 2200)), torch.matmul),
        (((40, 1100, 16), (40, 16, 2200)), torch.bmm),
    ],
    ids=["rows", "linear", "heads", "stack"],
)
def test_large_products_are_made_in_pieces_of_bounded_memory(shapes, times):
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randint(-5, 6, shape, generator=generator).bfloat16() for shape in shapes)
    results = a.numel() // a.shape[-1] * b.shape[-1]
    assert a.numel() + results > LARGE
    with Kernels() as kernels, Float32Products():
        ours = times(a, b)
    assert 0 < kernels.most <= LARGE
    assert kernels.formats == {torch.float32}
    last = times(a[-1:].float(), (b[-1:] if b.dim() > 2 else b).float()).bfloat16()
    assert torch.equal(ours[-1:], last)
    assert ours.shape == (*a.shape[:-1], b.shape[-1])


@pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="another BLAS adds otherwise")
def test_pieces_have_the_bits_of_the_whole():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more would cut the rows themselves
    try:
        generator = torch.Generator().manual_seed(0)
        x, w = (
            torch.randn(n, 64, generator=generator).bfloat16() for n in (LARGE // 320 + 77, 256)
        )
        with Kernels() as kernels, Float32Products():
            ours = functional.linear(x, w)
        assert kernels.most < ours.numel()
        assert torch.equal(ours, functional.linear(x.float(), w.float()).bfloat16())
    finally:
        torch.set_num_threads(threads)


class Misshapen(torch.nn.Module):
    """Its weights do not fit each other."""

    def __init__(self):
        super().__init__()
        self.one = torch.nn.Linear(3, 2, dtype=torch.bfloat16)
        self.config = type("Config", (), {"_attn_implementation": "eager"})
        self.device = "cpu"

    def forward(self, x):
        return self.one(x)


def test_what_a_product_raises_is_the_models_own_error():
    model = Misshapen()
    for x in (torch.ones(2, 2, 5).bfloat16(), torch.ones(5).bfloat16()):
        with pytest.raises(ForwardPassError, match="Misshapen"), Float32Products():  # noqa: SIM117
            with own_errors_told(model):
                model(x)
