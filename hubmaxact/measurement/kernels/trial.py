"""A reader tried on small tensors: what it compiles or loads is ready then, and known to be right.

Knows no device and no way of reading; what torch's operations make of the same tensors is right.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.kernels.reader import Reader
from hubmaxact.measurement.kernels.torch_operations import TorchOperations
from hubmaxact.measurement.rotary_pairs import Pairs
from hubmaxact.measurement.statistics import channel_squares, format_errors, group_maxima
from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.expert_squares import ExpertSquares, Reached
from hubmaxact.measurement.statistics.rows import Tokens
from hubmaxact.measurement.statistics.sample_maxima import SampleMaxima
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.measurement.statistics.watched import Watched

NUM_ROWS, WIDTH = 96, 264
NEARLY = {
    "squares/sums": channel_squares.are_near,
    "by_expert/sums": channel_squares.are_near,
    "formats/err_sq": format_errors.are_near,
    "sums": channel_squares.are_near,
    "norms": group_maxima.are_near,
    "halves": group_maxima.are_near,
    "neighbours": group_maxima.are_near,
}
"""What is rounded while it is added up, and when two of it count as equal."""
NUM_SAMPLES, NUM_IDS, NUM_EXPERTS, NUM_HEADS = 8, 5, 3, 4


def equals_torch(reader: Reader, dtype: torch.dtype, *, format_errors: bool = False) -> bool:
    """Let a reader read, and torch's operations after it.

    Args:
        reader: One that nothing else is read by.
        dtype: Of the tensors.
        format_errors: Whether linear inputs sum up what formats lose.

    Returns:
        Whether both end in the same states, bit for bit but for sums that are rounded: of
        plain tokens, of rows inside experts and of what linear maps read, over every split, INT-8
        errors included; and in the same maxima of heads and of what experts are given.
    """
    torchs = TorchOperations(reader.device, "to compare")
    of_linear_input = SiteKind(is_linear_input=True, sums_format_errors=format_errors)
    of_experts = SiteKind(num_experts=NUM_EXPERTS)
    sites = (SiteKind(), of_experts, of_experts._replace(is_linear_input=True), of_linear_input)
    return _same(_maxima(reader, dtype), _maxima(torchs, dtype)) and all(
        _same(_state(reader, dtype, kind), _state(torchs, dtype, kind)) for kind in sites
    )


class SiteKind(NamedTuple):
    """What a site keeps."""

    num_experts: int | None = None
    is_linear_input: bool = False
    sums_format_errors: bool = False


def _rows(reader: Reader, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Rows and their numbers."""
    place = torch.arange(NUM_ROWS, device=reader.device)
    channel = torch.arange(WIDTH, device=reader.device)
    x_RD = (((place[:, None] * 37 + channel * 101) % 97 - 48) / 3).to(dtype)
    x_RD[5, 7], x_RD[11, 3], x_RD[17, 200] = 6e4, float("nan"), float("-inf")
    return x_RD, place


def _maxima(reader: Reader, dtype: torch.dtype) -> State:
    """Of the same rows as heads, as they lie in a model, and as what experts are given."""
    x_RD, place = _rows(reader, dtype)
    x_BHLD = x_RD.view(2, NUM_ROWS // 2 // NUM_HEADS, NUM_HEADS, WIDTH).transpose(1, 2)
    kept = place % 7 != 0
    kept_BL = kept.view(2, -1)[:, : x_BHLD.shape[2]]
    chosen_RK = torch.stack([place % NUM_EXPERTS, place % (NUM_EXPERTS + 2)], dim=1)
    squares = ExpertSquares(NUM_EXPERTS, reader.device)
    reader.maxima.add_squares(Reached(x_RD, chosen_RK), squares)
    return {
        "norms": reader.maxima.norms(x_BHLD, kept_BL),
        "halves": reader.maxima.pair_squares(x_BHLD, kept_BL, Pairs(WIDTH // 2)),
        "neighbours": reader.maxima.pair_squares(x_BHLD, kept_BL, Pairs(WIDTH, True)),
        **squares.state(),
        "experts": reader.maxima.of_experts(x_RD, chosen_RK, kept, NUM_EXPERTS),
    }


def _state(reader: Reader, dtype: torch.dtype, kind: SiteKind) -> State:
    """What a reader makes of a tensor with ties, a massive row, NaN and infinities."""
    x_RD, place = _rows(reader, dtype)
    columns_4P = torch.stack([place % NUM_SAMPLES, place, place % NUM_IDS, place % NUM_IDS])
    kept_P = place % 7 != 0
    statistics, num_experts = (
        SiteStatistics(dtype, reader.device, **kind._asdict()),
        kind.num_experts,
    )
    samples = SampleMaxima(NUM_SAMPLES)
    for split in Split:
        watched = Watched(
            x_RD,
            Tokens(columns_4P, NUM_IDS),
            split,
            kept_P,
            kept_P.nonzero().flatten(),
            token_R=None if num_experts is None else place.flip(0),
            expert_R=None if num_experts is None else place % num_experts,
        )
        reader.fold(watched, statistics, samples if num_experts is None else None)
    reader.settle()
    return statistics.state() | {"samples": samples.abs_max}


def _same(one: State, other: State) -> bool:
    """Whether two states are equal, where they are exact bit for bit."""
    return one.keys() == other.keys() and all(
        NEARLY.get(key, torch.equal)(one[key], other[key]) for key in one
    )
