"""Rounding put where a kernel rounds, while a block runs; what it reads instead is never kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

from hubmaxact.deployed_formats import KV, LINEAR_INPUTS, RESIDUAL
from hubmaxact.measurement.anatomy.map_weights import weight_named
from hubmaxact.measurement.anatomy.seen_cache import seen_cache
from hubmaxact.measurement.anatomy.site import Anatomy, Point, Site
from hubmaxact.measurement.anatomy.weight_products import Weight
from hubmaxact.measurement.end_to_end.targets import names_of
from hubmaxact.measurement.execution.replaced_inputs import replace_inputs

Round = Callable[[Site, str, Tensor], Tensor]
"""Rounds a site's tensor under the name of what reads it."""


@contextmanager
def rounding(
    model: PreTrainedModel, anatomy: Anatomy, target: str, sites: Sequence[Site], round_: Round
) -> Iterator[None]:
    """While the block runs, the model goes on with what is rounded.

    Args:
        model: The loaded checkpoint.
        anatomy: Its sites.
        target: What is rounded.
        sites: Those of the target.
        round_: Rounds.

    Yields:
        Nothing.
    """
    with ExitStack() as hooks:
        if target == LINEAR_INPUTS:
            _linear_inputs(hooks, model, sites, round_)
        elif target == RESIDUAL:
            _residual(hooks, model, sites, round_)
        _cached(hooks, model, anatomy, sites if target == KV else (), round_)
        yield


@contextmanager
def unrounded(model: PreTrainedModel, anatomy: Anatomy) -> Iterator[None]:
    """While the block runs, the model has the same cache, and goes on with what it made.

    Args:
        model: The loaded checkpoint.
        anatomy: Its sites.

    Yields:
        Nothing.
    """
    with ExitStack() as hooks:
        _cached(hooks, model, anatomy, (), lambda _, __, x: x)
        yield


def _linear_inputs(
    hooks: ExitStack, model: PreTrainedModel, sites: Sequence[Site], round_: Round
) -> None:
    by_name = {name: site for site in sites for name in site.maps}

    def replace(weight: Weight, x: Tensor) -> Tensor:
        return round_(by_name[weight.name], weight.name, x)

    replace_inputs(hooks, model, [weight_named(model, name) for name in by_name], replace)


def _cached(
    hooks: ExitStack,
    model: PreTrainedModel,
    anatomy: Anatomy,
    sites: Sequence[Site],
    round_: Round,
) -> None:
    """What the cache is given; the cache itself is there in every pass that a cache is found in."""
    keys, values = (_by_number(sites, point) for point in (Point.KEY, Point.VALUE))

    def on_cached(number: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        return _rounded(keys, number, key, round_), _rounded(values, number, value, round_)

    if any(site.point in (Point.KEY, Point.VALUE) for site in anatomy.sites):
        hooks.enter_context(seen_cache(model.get_submodule(anatomy.owner), on_cached))


def _by_number(sites: Sequence[Site], point: Point) -> dict[int, Site]:
    return {site.index: site for site in sites if site.point is point}


def _rounded(sites: Mapping[int, Site], number: int, x: Tensor, round_: Round) -> Tensor:
    site = sites.get(number)
    return x if site is None else round_(site, names_of(site)[0], x)


def _residual(
    hooks: ExitStack, model: PreTrainedModel, sites: Sequence[Site], round_: Round
) -> None:
    for site in sites:
        module = model.get_submodule(site.module)
        hooks.callback(module.register_forward_hook(_after(site, round_)).remove)


def _after(site: Site, round_: Round) -> Callable[[nn.Module, object, Any], Any]:
    """Round one element of what a module puts out, the last time that a pass calls it."""
    call = count(1)

    def on_output(_: nn.Module, __: object, output: Any) -> Any:
        if next(call) % site.calls:
            return output
        if isinstance(output, Tensor):
            return round_(site, names_of(site)[0], output)
        return type(output)(
            round_(site, names_of(site)[0], each) if index == site.index else each
            for index, each in enumerate(output)
        )

    return on_output
