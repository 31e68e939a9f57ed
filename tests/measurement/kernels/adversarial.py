"""Tensors that break shortcuts, and the comparison of two ways to read them.

Ties, zeros, subnormals, NaN and infinities, one huge value, the largest values; padding, experts,
halves of a fused tensor, transposed memory. DEVICE is where every reader is held against torch's
operations: HUBMAXACT_TEST_DEVICE=cuda chooses a GPU.
"""

import math
import operator
import os
from dataclasses import dataclass

import numpy as np
import torch

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.kernels.torch_operations import TorchOperations
from hubmaxact.measurement.kernels.trial import NEARLY
from hubmaxact.measurement.statistics.rows import Tokens
from hubmaxact.measurement.statistics.sample_maxima import SampleMaxima
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.measurement.statistics.watched import Watched

DEVICE = torch.device(os.environ.get("HUBMAXACT_TEST_DEVICE", "cpu"))
DTYPES = (torch.bfloat16, torch.float16, torch.float32)
SPLITS = (Split.CALIBRATION, Split.EVALUATION, Split.EVALUATION, Split.REST)
NUM_SAMPLES, NUM_EXPERTS = 7, 5


def _normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def _spotted(spots):
    x = _normal(20, 33)
    for place, value in spots.items():
        x[place] = value
    return x


def _bits(kind, shape):
    limits = torch.iinfo(kind)
    generator = torch.Generator().manual_seed(5)
    return torch.randint(limits.min, limits.max, shape, generator=generator, dtype=kind)


def _run(first, last):
    """Float32 values of neighbouring patterns: where rounding to bf16 ties, carries, overflows."""
    x = torch.arange(first, last, 7, dtype=torch.int32).view(torch.float32)
    return x[: len(x) // 57 * 57].reshape(-1, 57)


ODD = {(3, 4): math.nan, (5, 6): math.inf, (8, 8): -math.inf, (9, 0): -math.nan}
VALUES = {
    "random": lambda: _normal(37, 65),
    "heavy tails": lambda: _normal(64, 128) * torch.exp(4 * _normal(64, 128)),
    "zeros": lambda: torch.zeros(9, 7),
    "negative zeros": lambda: -torch.zeros(9, 7),
    "both zeros": lambda: _normal(9, 7) * 0,
    "mostly zeros": lambda: _normal(40, 64).relu() * (_normal(64, 40).T > 1),
    "subnormal": lambda: _normal(12, 40) * 1e-40,
    "subnormal in fp16": lambda: _normal(12, 40) * 1e-7,
    "NaN and infinities": lambda: _spotted({**ODD, (7,): -math.inf, (11,): math.nan}),
    "half NaN": lambda: torch.where(_normal(20, 32) > 0, _normal(20, 32), math.nan),
    "one huge value": lambda: _spotted({(3, 4): 60_000.0}),
    "massive rows": lambda: torch.where(torch.arange(33) == 5, 3000.0, _normal(20, 33) * 1e-2),
    "ratio at its bound": lambda: torch.tensor(
        [[2000.0, 2, 2], [100.0, 0.1, 0.1], [128, 0.125, 0]]
    ),
    "ties of both signs": lambda: _normal(30, 20).sign() * 2.5,
    "equal": lambda: torch.full((30, 20), -2.5),
    "negative": lambda: -_normal(12, 40).abs() - 1,
    "largest": lambda: torch.full((4, 8), 3.3895313892515355e38) * _normal(4, 8).sign(),
    "one column": lambda: _normal(40, 1),
    "one value": lambda: torch.tensor([[3.5]]),
    "one NaN": lambda: torch.tensor([[math.nan]]),
    "no columns": lambda: torch.zeros(5, 0),
    "no rows": lambda: torch.zeros(0, 5),
    "wide": lambda: _normal(2, 65_535),
    "several pieces": lambda: _normal(3001, 96) * 3,
    "half of a fused tensor": lambda: _normal(40, 128)[:, :63],
    "every other column": lambda: _normal(40, 128)[:, ::2],
    "transposed": lambda: _normal(63, 40).T,
    "one row for all": lambda: _normal(1, 40).expand(9, 40),
    "rounding in one binade": lambda: _run(0x3F7F0000, 0x3F7F9C40),
    "rounding at the top": lambda: _run(0x7F7F0000, 0x7F800010),
    "rounding at the smallest normal": lambda: _run(0x007F0000, 0x00810010),
    "rounding at zero": lambda: _run(0, 0x00020010),
}
BITS = {torch.float32: torch.int32, torch.float16: torch.int16, torch.bfloat16: torch.int16}


def tensors(name, dtype):
    """The tensor of this name and three like it, each laid out alike; one split after another."""
    x = VALUES[name]() if name in VALUES else _bits(BITS[dtype], (50, 33)).view(dtype)
    if dtype != torch.float32 and name in VALUES:
        x = x.to(dtype)  # keeps strides of what is dense; where it does not, float32 has them
    return x, x.flip(0), -x, x


@dataclass(frozen=True)
class Way:
    """Which rows are real, and whose they are."""

    padded: bool = False
    experts: bool = False
    num_ids: int = 1000
    is_linear_input: bool = False
    sums_format_errors: bool = False


WAYS = {
    "all rows": Way(),
    "few token ids": Way(num_ids=3),
    "padding": Way(padded=True),
    "experts": Way(experts=True, num_ids=9),
    "experts and padding": Way(padded=True, experts=True),
    "a linear input, padding": Way(padded=True, is_linear_input=True),
    "a linear input, formats": Way(is_linear_input=True, sums_format_errors=True),
    "formats in experts, padding": Way(True, True, is_linear_input=True, sums_format_errors=True),
}


def watched(x, split, way, seed):
    """The tensor as the model's hooks would give it, on its own device."""
    random = np.random.default_rng(seed)
    num_rows = len(x)
    # of experts, several rows belong to one token
    size = max(1, num_rows // 2) if way.experts else num_rows
    ids = random.integers(0, way.num_ids, size)
    distinct, group = np.unique(ids, return_inverse=True)
    position = random.permutation(size) + seed * size
    columns = np.stack([random.integers(0, NUM_SAMPLES, size), position, ids, group])
    kept = torch.from_numpy(random.random(size) < 0.7) if way.padded else None
    token = torch.from_numpy(random.integers(0, size, num_rows)) if way.experts else None
    expert = torch.from_numpy(random.integers(0, NUM_EXPERTS + 1, num_rows))  # the last is none
    return Watched(
        x,
        Tokens(torch.from_numpy(columns.astype(np.int64)), len(distinct)),
        split,
        kept_P=kept,
        position_T=None if kept is None else kept.nonzero().flatten(),
        token_R=token,
        expert_R=expert if way.experts else None,
    ).to(x.device)


def folded(reader, name, dtype, way):
    """The states of a site and of samples after four tensors, as plain integers.

    As in a run, what experts see is not among the maxima by sample.
    """
    experts = NUM_EXPERTS if way.experts else None
    statistics = SiteStatistics(
        dtype,
        reader.device,
        num_experts=experts,
        is_linear_input=way.is_linear_input,
        sums_format_errors=way.sums_format_errors,
    )
    samples = SampleMaxima(NUM_SAMPLES)
    for seed, (x, split) in enumerate(zip(tensors(name, dtype), SPLITS, strict=True)):
        of_samples = None if way.experts else samples
        reader.fold(watched(x.to(DEVICE), split, way, seed), statistics, of_samples)
    reader.settle()
    return _plain(statistics.state()) | _plain(samples.state())


def different(one, other):
    """Names of the parts of two states that differ in a bit; of rounded sums, beyond rounding."""
    assert one.keys() == other.keys()
    return [name for name in one if not NEARLY.get(name, operator.eq)(one[name], other[name])]


def _plain(state):
    """A state as bits, so that 0.0 is not -0.0, and NaN equals itself."""
    return {
        key: tensor.cpu()
        if key in NEARLY
        else (tensor.dtype, tuple(tensor.shape), tensor.cpu().contiguous().numpy().tobytes())
        for key, tensor in state.items()
        if key != "dtype"
    }


def expected(name, dtype, way):
    """What torch's operations make of the same tensors."""
    return folded(TorchOperations(DEVICE, "because all others must equal it"), name, dtype, way)
