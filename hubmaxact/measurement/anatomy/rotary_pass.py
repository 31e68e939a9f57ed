"""A third short pass, for keys: which of their channels a position embedding turns together.

Every attention is given its first token's hidden state at all positions, so that what differs
between keys comes from their positions alone: a pair that rotates keeps its norm.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from operator import itemgetter
from typing import Any

import torch
from torch import Tensor, nn

from hubmaxact.measurement.anatomy.decoder_stack import Stack, run_owner
from hubmaxact.measurement.anatomy.probe_pass import LENGTH, NUM_SEQUENCES, probe_ids
from hubmaxact.measurement.anatomy.seen_cache import seen_cache
from hubmaxact.measurement.anatomy.site import Point, Site
from hubmaxact.measurement.failures.own_error import own_errors_told
from hubmaxact.measurement.rotary_pairs import Pairs

ROUNDING = 8  # steps of the dtype that rounded sines, cosines and products may move a norm by
LEAST = 1e-3  # relative; what float32 kernels may add up in another order


def find_pairs(stack: Stack, sites: Iterable[Site]) -> dict[Site, Pairs]:
    """Run the decoder once more, if it caches keys; no hook outlives the call.

    Args:
        stack: The decoder, with its weights.
        sites: All that are watched.

    Returns:
        By site of keys (of latent attention: of the rotary key) the pairs, where the pass shows
        them.
    """
    rotary = {site.index: site for site in sites if site.point is _point(site)}
    seen: dict[Site, Tensor] = {}

    def on_cached(number: int, key: Tensor, value: Tensor) -> None:
        if (site := rotary.get(number)) is not None:
            seen[site] = (key if site.point is Point.KEY else value)[0].cpu()

    if rotary:
        with ExitStack() as hooks, torch.inference_mode(), own_errors_told(stack.model):
            for name in {site.module for site in rotary.values()}:
                module = stack.model.get_submodule(name)
                hook = module.register_forward_pre_hook(_same_everywhere, with_kwargs=True)
                hooks.callback(hook.remove)
            hooks.enter_context(seen_cache(stack.owner, on_cached))
            run_owner(stack.owner, probe_ids(stack))
    found = {site: pairs_of(x.double(), _slack(x.dtype)) for site, x in seen.items()}
    return {site: pairs for site, pairs in found.items() if pairs is not None}


def _slack(dtype: torch.dtype) -> float:
    return max(ROUNDING * torch.finfo(dtype).eps, LEAST)


def _point(site: Site) -> Point:
    return Point.VALUE if site.is_latent else Point.KEY


def _same_everywhere(
    _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The hidden states, which are the first tensor, with every token the first."""
    if args and isinstance(args[0], Tensor):
        return (_first_token(args[0]), *args[1:]), kwargs
    name = next((name for name, x in kwargs.items() if isinstance(x, Tensor)), None)
    return args, kwargs if name is None else {**kwargs, name: _first_token(kwargs[name])}


def _first_token(x: Tensor) -> Tensor:
    if x.dim() != 3 or x.shape[:2] != (NUM_SEQUENCES, LENGTH):
        return x
    return x[:, :1].expand_as(x).contiguous()


def pairs_of(x: Tensor, slack: float) -> Pairs | None:
    """Tell the pairs from keys of one hidden state at several positions.

    Pairs that turn too slowly to be seen at the first positions speak against no hypothesis; the
    first ones turn fast. Of neighbours, all are taken to turn: of two that do not, the norm is
    still a bound for both.

    Args:
        x: Shape (heads, positions, channels).
        slack: What rounding may change the square of a norm by, relative.

    Returns:
        The pairs that change least. None: keys change with position, but in none of the known ways,
        or there is nothing but zeros.
    """
    if not x.any():
        return None
    if _change(x, Pairs(0)) <= slack:
        return Pairs(0)
    width = x.shape[-1] // 2 * 2
    hypotheses = [Pairs(channels) for channels in range(width, 0, -2)]
    hypotheses.append(Pairs(width, are_neighbours=True))
    change, pairs = min(((_change(x, pairs), pairs) for pairs in hypotheses), key=itemgetter(0))
    return pairs if change <= slack else None


def _change(x: Tensor, pairs: Pairs) -> float:
    """How far the norm of any pair, or a channel outside them, is from the same at all positions.

    A share of its largest square; a channel that changes its sign is far.
    """
    first, second = pairs.of(x.square())
    still = x[..., pairs.channels :]
    squares = torch.cat([first + second, still.abs() * still], dim=-1)
    moved = (squares - squares[:, :1]).abs().amax(dim=1)
    tiny = torch.finfo(x.dtype).tiny
    return float((moved / squares.abs().amax(dim=1).clamp(min=tiny)).max())
