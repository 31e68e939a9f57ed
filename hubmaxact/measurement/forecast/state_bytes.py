"""How many bytes the statistics of a whole run hold: as many as those of a few rows."""

from collections.abc import Collection
from functools import cache
from typing import Unpack

import torch

from hubmaxact.measurement.anatomy.site import Anatomy
from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.execution.kept import Kept, kept_of
from hubmaxact.measurement.forecast.shape_pass import ShapePass
from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.expert_inputs import ExpertInputs
from hubmaxact.measurement.statistics.expert_squares import Reached
from hubmaxact.measurement.statistics.experts import RoutedTokens
from hubmaxact.measurement.statistics.rows import Rows, Tokens
from hubmaxact.measurement.statistics.sample_maxima import SampleMaxima
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.measurement.statistics.stretches import num_stretches
from hubmaxact.measurement.statistics.top_values import NUM_TOP

NUM_ROWS = NUM_TOP + 1
"""Rows of distinct tokens, after which a selection of values is as long as it gets."""


def state_bytes(
    anatomy: Anatomy,
    seen: ShapePass,
    num_samples: int,
    splits: Collection[Split],
    *,
    format_errors: bool,
) -> int:
    """Bytes of a recorder's state at the end of a run.

    A site's state depends on its number format, on its width and experts and on the splits that are
    run, and on no number of tokens: statistics of that kind are made, fed a few rows, and weighed.
    What is kept of heads, a few numbers each, is left out.

    Args:
        anatomy: The sites.
        seen: A pass, which tells what each shows.
        num_samples: Texts.
        splits: Those that any batch belongs to.
        format_errors: Whether errors of formats are summed in the pass.

    Returns:
        Bytes of all tensors of the state.
    """
    ordered = tuple(split for split in Split if split in splits)
    sites = sum(
        _site_bytes(
            shown.dtype,
            shown.width,
            ordered,
            **kept_of(site, format_errors=format_errors),
        )
        for site, shown in seen.sites.items()
    )
    routed = sum(_size(RoutedTokens(anatomy.num_experts[n]).state()) for n in anatomy.experts)
    given = sum(
        _given_bytes(site.groups or 0, width, ordered) for site, width in seen.given.items()
    )
    return sites + given + routed + _size(SampleMaxima(num_stretches(num_samples)).state())


@cache
def _site_bytes(
    dtype: torch.dtype, width: int, splits: tuple[Split, ...], **kept: Unpack[Kept]
) -> int:
    statistics, num_experts = SiteStatistics(dtype, **kept), kept["num_experts"]
    row = torch.arange(NUM_ROWS)
    values = torch.arange(1, NUM_ROWS * width + 1).reshape(NUM_ROWS, width).to(dtype)
    tokens = Tokens(torch.stack([torch.zeros_like(row), row, row, row]), NUM_ROWS)
    expert = None if num_experts is None else torch.zeros_like(row)
    for split in splits:
        statistics.update(Rows.of(values, tokens, split, expert))
    return _size(statistics.state())


@cache
def _given_bytes(num_experts: int, width: int, splits: tuple[Split, ...]) -> int:
    inputs = ExpertInputs(num_experts)
    if Split.CALIBRATION in splits:
        one = torch.zeros((1, 1), dtype=torch.long)
        inputs.squares.update(Reached(torch.ones(1, width), one))
    return _size(inputs.state())


def _size(state: State) -> int:
    return sum(each.numel() * each.element_size() for each in state.values())
