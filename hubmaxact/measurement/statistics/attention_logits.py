"""How large attention logits get: products of queries and keys, scaled.

Before caps, masks, biases and sinks. The largest one itself where a model shows its products, and
a bound that no product can exceed where it shows queries and keys.

B sequences, H query heads, K key heads, L tokens, D channels.
"""

from dataclasses import dataclass
from math import inf, sqrt
from typing import Self

import numpy as np
import torch
from torch import Tensor

from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.group_maxima import TORCH, GroupMaxima

NEXT = 2.0**-23  # the step of float32 at 1
LOST = 2.0**-126  # a square below it may count as zero in float32


@dataclass(frozen=True, slots=True)
class QueriesAndKeys:
    """What one attention multiplies."""

    query_BHLD: Tensor
    key_BKLD: Tensor  # H is a multiple of K: each key head serves H / K query heads in a row
    scaling: float  # what the products are multiplied with
    kept_BL: Tensor | None = None  # which tokens count, bool; None: all


class LogitBound:
    """A bound for |scaling * q . k| in exact arithmetic, from the largest norms by head.

    By Cauchy and Schwarz: for each query head, the largest norm of its queries times the largest of
    the keys that it meets. Infinite once a query or a key was not finite, or too large for the
    squares of its elements to be added up in float32.

    Args:
        device: Where the tensors are.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.query_norm = torch.empty(0, device=device)
        self.key_norm = torch.empty(0, device=device)
        self.scaling = torch.zeros(1, dtype=torch.float64)
        self.num_channels = torch.zeros(1, dtype=torch.int64)

    @torch.no_grad()
    def update(self, seen: QueriesAndKeys, maxima: GroupMaxima = TORCH) -> None:
        """Fold in the queries and keys of one call; a GPU is not waited for.

        Args:
            seen: H and K are the same in all of them.
            maxima: Finds norms.

        Raises:
            ValueError: Other tensors had other heads.
        """
        if not seen.query_BHLD.numel():
            return
        num_channels = torch.tensor([seen.query_BHLD.shape[-1]])
        scaling = torch.tensor([abs(seen.scaling)], dtype=torch.float64)
        query_norm_H = maxima.norms(seen.query_BHLD, seen.kept_BL)
        key_norm_K = maxima.norms(seen.key_BKLD, seen.kept_BL)
        self._raise_to(query_norm_H, key_norm_K, scaling, num_channels)

    def merge(self, other: Self) -> None:
        """Fold in another's norms.

        Args:
            other: Of heads alike; it stays as it is.

        Raises:
            ValueError: It has seen other heads.
        """
        if len(other.query_norm):
            where = self.query_norm.device
            norms = other.query_norm.to(where), other.key_norm.to(where)
            self._raise_to(*norms, other.scaling, other.num_channels)

    def _raise_to(
        self, query_norm_H: Tensor, key_norm_K: Tensor, scaling: Tensor, num_channels: Tensor
    ) -> None:
        heads = len(query_norm_H), len(key_norm_K)
        if not len(self.query_norm):
            self.query_norm = torch.zeros_like(query_norm_H)
            self.key_norm = torch.zeros_like(key_norm_K)
        elif (here := (len(self.query_norm), len(self.key_norm))) != heads:
            raise ValueError(f"expected {here} heads of queries and keys, got {heads}")
        self.query_norm = torch.maximum(self.query_norm, query_norm_H)
        self.key_norm = torch.maximum(self.key_norm, key_norm_K)
        self.scaling = torch.maximum(self.scaling, scaling)
        self.num_channels = torch.maximum(self.num_channels, num_channels)

    def state(self) -> State:
        """The norms, the largest |scaling| and how many channels were added up at most."""
        return {
            "query_norm": self.query_norm,
            "key_norm": self.key_norm,
            "scaling": self.scaling,
            "num_channels": self.num_channels,
        }

    def load(self, state: State) -> None:
        """Go on from a state."""
        where = self.query_norm.device
        self.query_norm = state["query_norm"].to(where, copy=True)
        self.key_norm = state["key_norm"].to(where, copy=True)
        self.scaling = state["scaling"].to("cpu", copy=True)
        self.num_channels = state["num_channels"].to("cpu", copy=True)

    def result(self) -> float | None:
        """The bound, rounded up to float32; infinite: there is none. None: nothing was seen."""
        if not len(self.query_norm):
            return None
        query_H, key_K = self.query_norm.double().cpu(), self.key_norm.double().cpu()
        key_H = key_K.repeat_interleave(len(query_H) // len(key_K))
        channels = int(self.num_channels)
        # Of float32 sums in any order, of squares and of the square root; then those in float64.
        relative = 1.0 + (channels + 4) * NEXT
        lost = sqrt(channels * LOST)
        products = (query_H * relative + lost) * (key_H * relative + lost)
        return _rounded_up(float(self.scaling) * float(products.max()) * (1.0 + NEXT))


def _rounded_up(value: float) -> float:
    with np.errstate(over="ignore"):
        near = np.float32(value)
    return float(near if near >= value else np.nextafter(near, np.float32(inf)))


@dataclass(frozen=True, slots=True)
class Products:
    """The logits of one call, and which of them count."""

    logits_BHLL: Tensor  # by query, then by key
    counts_BHLL: Tensor  # bool, of a shape that broadcasts: pairs that are not masked


class LargestLogit:
    """The largest |logit| that counts; infinite once one was not finite, -1 before the first.

    Args:
        device: Where the tensors are.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.abs_max = torch.full((1,), -1.0, device=device)

    @torch.no_grad()
    def update(self, seen: Products) -> None:
        """Fold in the products of one call; a GPU is not waited for."""
        if not seen.logits_BHLL.numel():
            return
        # The fastest way on a CPU: masking in place takes longer than all of this.
        ends = torch.where(seen.counts_BHLL, seen.logits_BHLL, 0.0).aminmax()
        largest = torch.stack(ends).abs().amax().float().nan_to_num(nan=inf, posinf=inf)
        self.abs_max = torch.maximum(self.abs_max, largest)

    def merge(self, other: Self) -> None:
        """Fold in another's."""
        self.abs_max = torch.maximum(self.abs_max, other.abs_max.to(self.abs_max.device))

    def state(self) -> State:
        """The largest."""
        return {"abs_max": self.abs_max}

    def load(self, state: State) -> None:
        """Go on from a state."""
        self.abs_max = state["abs_max"].to(self.abs_max.device, copy=True)

    def result(self) -> float | None:
        """The largest; infinite: one was not finite. None: nothing was seen."""
        largest = float(self.abs_max)
        return None if largest < 0 else largest
