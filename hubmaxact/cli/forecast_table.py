"""`measure --plan` on standard output: what a run will read, hold and take."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from hubmaxact.printable import LONGEST_PATH, counted, printable

if TYPE_CHECKING:
    from rich.console import Console

    from hubmaxact.measurement.forecast.expanded import Quantized
    from hubmaxact.measurement.forecast.forecast import Forecast

LOCAL = "none: a local folder"
UNKNOWN = "found by a first pass"
MINUTE, HOUR = 60, 3600
UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B"))


def show(forecast: "Forecast", console: "Console") -> None:
    """Print it.

    Args:
        forecast: What a run will do.
        console: Where to.
    """
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in _lines(forecast):
        table.add_row(name, value)
    console.print(table)


def _lines(plan: "Forecast") -> Iterator[tuple[str, str]]:
    cost = plan.cost
    yield "Checkpoint", printable(plan.name, LONGEST_PATH)
    yield "Commit", plan.commit or LOCAL
    if plan.base is not None:
        yield "Merged into", printable(plan.base, LONGEST_PATH)
        yield "Its commit", plan.base_commit or LOCAL
    if plan.bytes_to_fetch:
        yield "Download", f"{_size(plan.bytes_to_fetch)} of weights, which are not here yet"
    if plan.quantized is not None:
        yield from _quantized(plan.quantized, plan.dtype)
    yield "Parameters", f"{plan.num_parameters:,}"
    yield "Sites", f"{cost.num_sites:,}" if cost else f"{UNKNOWN} through {plan.num_layers} layers"
    yield "Texts", f"{plan.num_texts:,}"
    yield "Tokens", f"{plan.num_tokens:,}"
    tried = ", which auto tries first" if plan.is_automatic else ""
    yield "Batches", f"{plan.num_batches:,} of {plan.batch_tokens:,} tokens at most{tried}"
    yield "Batch plan", plan.batch_plan_digest
    if plan.num_passes_again:
        batches = counted(plan.num_batches_again, "evaluation batch", "evaluation batches")
        times = counted(plan.num_passes_again, "time")
        yield "End to end", f"{batches} again, {times}: without rounding, and with each way of it"
    yield "Weights", f"{_size(plan.weight_bytes)} in {plan.dtype} on {plan.device}"
    yield "One batch", f"{_size(cost.batch_bytes)} at most" if cost else UNKNOWN
    yield "Statistics", _size(cost.statistics_bytes) if cost else UNKNOWN
    yield "Time", _time(cost.seconds) if cost else UNKNOWN


def _quantized(told: "Quantized", dtype: str) -> Iterator[tuple[str, str]]:
    for each in told.expanded:
        weights = f"{counted(each.num_weights, 'weight')} of {told.method} ({each.storage})"
        sizes = f"{_size(each.stored_bytes)} as stored, {_size(each.expanded_bytes)} in {dtype}"
        yield "Expanded", f"{weights}: {sizes}"
    if told.set_aside:
        scales = ", ".join(f"{number:,} {name}" for name, number in told.set_aside.items())
        yield "Set aside", f"scales of activations, which are not rounded: {scales}"


def _size(num_bytes: int) -> str:
    unit, name = next((u, n) for u, n in UNITS if num_bytes >= u or u == 1)
    return f"{num_bytes / unit:,.3g} {name}"


def _time(seconds: float) -> str:
    if seconds < 2 * MINUTE:
        said = f"{seconds:.2g} s"
    elif seconds < 2 * HOUR:
        said = f"{seconds / MINUTE:.0f} min"
    else:
        said = f"{seconds / HOUR:.1f} h"
    return f"about {said}: an estimate from products and statistics timed here, without loading"
