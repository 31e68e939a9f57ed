"""Every order that state can be accumulated in, and state as plain values that compare with ==."""

import copy
from itertools import pairwise

import torch

from oracle import brute


def chunks(x, cuts):
    """Cut a tensor's rows at the given places; empty chunks stay."""
    edges = [0, *sorted(min(cut, len(x)) for cut in cuts), len(x)]
    return [x[start:stop] for start, stop in pairwise(edges)]


def every_way(make, update, parts):
    """States of one update, of chunks, of merges forward and backward, and of a chain."""
    one = make()
    for part in parts:
        update(one, part)
    states = [make() for _ in parts]
    for state, part in zip(states, parts, strict=True):
        update(state, part)
    forward, backward = make(), make()
    for state in states:
        forward.merge(state)
    for state in reversed(states):
        backward.merge(state)
    chain = copy.deepcopy(states)
    while len(chain) > 1:
        last = chain.pop()
        last.merge(chain.pop())
        chain.append(last)
    whole = make()
    update(whole, torch.cat(parts))
    return [whole, one, forward, backward, *chain]


def facts(distribution):
    """A distribution as plain values that compare with ==."""
    names = ("count", "num_nan", "num_inf", "num_zeros", "num_ties", "min", "max", "abs_max")
    sums = ("mean", "std", "rms", "abs_mean", "zero_fraction", "abs_total", "square_total")
    bins = distribution.bins
    quantiles = [bins.abs_quantile(level) for level in brute.LEVELS]
    plain = {name: getattr(distribution, name) for name in (*names, *sums)}
    return plain | {"bins": (bins.values.tolist(), bins.counts.tolist(), quantiles)}
