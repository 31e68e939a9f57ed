"""How fast this device is at what a run consists of, found in a few seconds.

Products of a model's own shapes in its own number format, and the statistics of one tensor.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

import numpy as np
import torch
from torch import nn

from hubmaxact.measurement.anatomy.site import Anatomy
from hubmaxact.measurement.anatomy.token_layout import Layout
from hubmaxact.measurement.batch_plan import Batch, Split
from hubmaxact.measurement.execution.inputs import make_input
from hubmaxact.measurement.execution.recorder import Recorder

SECONDS = 2.0  # of trials, the last one not cut short
TRIALS = 24
OPERATIONS_AT_ONCE = {"cpu": 2e9}
OTHERWISE_AT_ONCE = 2e12
"""Floating-point operations of one trial, by the type of device: long enough to be timed."""

VALUES_AT_ONCE = 1 << 20
NUM_IDS = 256


@dataclass(frozen=True, slots=True)
class Product:
    """A map of the model, and how many rows it gets of each token."""

    inner: int
    outer: int
    rows_per_token: float

    @property
    def operations(self) -> int:
        """Floating-point operations of one row."""
        return 2 * self.inner * self.outer


def products_of(model: nn.Module, anatomy: Anatomy) -> Counter[Product]:
    """Every matrix inside the decoder's layers, experts' by what one of them gets."""
    found: Counter[Product] = Counter()
    owner = model.get_submodule(anatomy.owner)
    for name, weight in owner.named_parameters():
        full = f"{anatomy.owner}.{name}" if anatomy.owner else name
        if weight.dim() == 2 and "embed" not in name:
            found[Product(weight.shape[1], weight.shape[0], 1.0)] += 1
        for layer, experts in anatomy.experts.items():
            if weight.dim() == 3 and full.startswith(f"{experts}."):
                share = anatomy.experts_per_token.get(layer, 1) / weight.shape[0]
                found[Product(weight.shape[2], weight.shape[1], share)] += weight.shape[0]
    return found


def operations_per_second(
    products: Counter[Product], num_tokens: int, dtype: torch.dtype, device: torch.device
) -> float:
    """Time products as they occur in a batch.

    Args:
        products: Shapes of weights, and how often each occurs.
        num_tokens: Tokens of a batch.
        dtype: Of activations and weights.
        device: Where they are.

    Returns:
        Floating-point operations a second over all of them, each as often as it occurs.
    """
    rows = {product: _rows(product, num_tokens, device) for product in products}
    works = [_work(product, number, dtype, device) for product, number in rows.items()]
    seconds = operations = 0.0
    for (product, number), took in zip(rows.items(), _seconds(works), strict=True):
        rows_of_token = product.rows_per_token * products[product]
        seconds += took / number * rows_of_token
        operations += product.operations * rows_of_token
    return operations / seconds


def _rows(product: Product, num_tokens: int, device: torch.device) -> int:
    """As many as a batch gives it, or as a trial has time for."""
    most = OPERATIONS_AT_ONCE.get(device.type, OTHERWISE_AT_ONCE) / product.operations
    return max(1, int(min(product.rows_per_token * num_tokens, most)))


def _work(
    product: Product, rows: int, dtype: torch.dtype, device: torch.device
) -> Callable[[], object]:
    x = torch.randn((rows, product.inner), dtype=dtype, device=device)
    weight = torch.randn((product.outer, product.inner), dtype=dtype, device=device)
    return partial(nn.functional.linear, x, weight)


def seconds_per_value(
    anatomy: Anatomy, width: int, dtype: torch.dtype, device: torch.device
) -> float:
    """Time the statistics of one tensor of the residual stream.

    Args:
        anatomy: The sites.
        width: Channels.
        dtype: Of the tensor.
        device: Where it is.

    Returns:
        Seconds for each value of a watched tensor.
    """
    site = replace(next(s for s in anatomy.sites if s.layout is not None), layout=Layout.BATCHED)
    length = max(2, VALUES_AT_ONCE // width)
    x = torch.randn((1, length, width), dtype=torch.float32).to(dtype).to(device)
    recorder = Recorder(anatomy, num_samples=1)
    ids = [np.arange(length, dtype=np.int32) % NUM_IDS]
    recorder.input = make_input(Batch(0, Split.REST, (0,), length), ids, device)
    return _seconds([lambda: recorder.tensor(site, x, None)])[0] / x.numel()


def _seconds(works: Sequence[Callable[[], object]]) -> list[float]:
    """The shortest trial of each after a first one; in turns, so that no disturbance hits all."""
    best = [float("inf") for _ in works]
    for work in works:
        work()
    begun = perf_counter()
    for _ in range(TRIALS):
        for index, work in enumerate(works):
            best[index] = min(best[index], _timed(work))
        if perf_counter() - begun > SECONDS:
            break
    return best


def _timed(work: Callable[[], object]) -> float:
    before = perf_counter()
    work()
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
    return perf_counter() - before
