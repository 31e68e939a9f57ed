"""What a report says of the tensor that a shipped scale stands for, by the checkpoint's own names.

A quantized checkpoint may call a module otherwise than the model that was measured: wrapped in
another model, or experts by number that run as one tensor. Which is which is told by tables.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import isfinite

from hubmaxact.report.deployment import ExpertMaxima, HeadMaxima
from hubmaxact.report.document import Experts, Report
from hubmaxact.scales.expert_maps import READ_BY, Reads
from hubmaxact.scales.tensors import INPUT, KEY, QUERY, VALUE
from hubmaxact.sidecars.channels import Channels

WRAPPERS = frozenset({"model", "language_model", "text_model", "transformer", "decoder"})
"""Words before the layer's number that tell no tower from another."""

EXPERT = re.compile(r"(?P<place>.+)\.experts(?:\.(?P<expert>\d{1,6}))?\.(?P<map>\w+)")

Key = tuple[str, ...]

PRODUCT_ROUNDING = 2.0**-8
"""Relative: of a channel times its factor, which kernels round to the model's dtype."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one tensor, or of one head's or expert's share of it.

    Attributes:
        key: The same for all that read one tensor.
        abs_max: The largest finite |x|. None: nothing reached it.
        quantiles: Of |x|, by share; empty where they are not measured.
        is_finite: Whether NaN and infinity never occurred.
        shares: Whether all experts of the layer share one kernel, and the largest of their scales.
        rounding: The relative error that `abs_max` may have.
    """

    key: Key
    abs_max: float | None
    quantiles: Mapping[float, float]
    is_finite: bool = True
    shares: bool = False
    rounding: float = 0.0


class MeasuredMaxima:
    """A report's maxima by the names that its modules have in any checkpoint of the model.

    Args:
        report: Of profile deployment.
        channels: What lies beside it. None: nothing does.
    """

    def __init__(self, report: Report, channels: Channels | None = None) -> None:
        self.channels = channels
        self.inputs = {
            plain(module): row
            for row in report.get("linear_inputs", ())
            for module in row["modules"]
        }
        self.cached = {plain(row["module"]): row for row in report.get("kv", ())}
        stacks = {stack_of(module) for module in (*self.inputs, *self.cached)}
        self.experts = {
            (stack, str(row["layer"])): row for row in report["experts"] for stack in stacks
        }

    def of(self, kind: str, module: str, element: int, num_elements: int) -> Measured | None:
        """Find what was measured of a scale's tensor.

        Args:
            kind: "input", "key", "value" or "query".
            module: The linear map's name in the checkpoint, or the attention's.
            element: Which of the scale's numbers.
            num_elements: How many it has: one, or one for each head or expert.

        Returns:
            What was measured. None: nothing.
        """
        if kind == INPUT:
            return self._expert(module, element, num_elements) or self._input(module, num_elements)
        return self._cached(kind, module, element, num_elements)

    def smoothed(self, module: str, factors: Sequence[float]) -> Measured | None:
        """Find the largest |x| of a linear input whose channels are multiplied first.

        Args:
            module: The linear map's name in the checkpoint.
            factors: One for each channel.

        Returns:
            The largest of every channel times its factor. None: channels were not measured, there
            are more or fewer of them, or a factor is no number.

        Raises:
            SidecarError: The channels contradict the report.
        """
        row = self.inputs.get(plain(module))
        if self.channels is None or row is None or row["abs_max"] is None:
            return None
        if row["num_nan"] + row["num_inf"] or not all(map(isfinite, factors)):
            return None
        maxima = self.channels.abs_max(row)
        if len(maxima) != len(factors):
            return None
        largest = max(abs(a * f) for a, f in zip(maxima, factors, strict=True))
        key = (INPUT, str(row["layer"]), row["part"] or "", module)
        return Measured(key, largest, {}, rounding=PRODUCT_ROUNDING)

    def _input(self, module: str, num_elements: int) -> Measured | None:
        row = self.inputs.get(plain(module))
        if row is None or num_elements > 1:
            return None
        told = row["abs_quantiles"] or {}
        quantiles = {float(q): v for q, v in told.items() if v is not None}
        is_finite = not row["num_nan"] + row["num_inf"]
        key = (INPUT, str(row["layer"]), row["part"] or "")
        return Measured(key, row["abs_max"], quantiles, is_finite)

    def _expert(self, module: str, element: int, num_elements: int) -> Measured | None:
        match = EXPERT.fullmatch(module)
        row = self.experts.get((stack_of(module), layer_of(module)))
        if match is None or row is None or match["map"] not in READ_BY:
            return None
        if match["expert"] is not None:
            element, num_elements = int(match["expert"]), row["num_experts"]
        found = _of_experts(row, READ_BY[match["map"]])
        if found is None or element >= row["num_experts"]:
            return None
        key = ("experts", str(row["layer"]), READ_BY[match["map"]])
        return Measured(key, _share(found, element, num_elements), {}, shares=True)

    def _cached(self, kind: str, module: str, element: int, num_elements: int) -> Measured | None:
        row = self.cached.get(plain(module))
        if row is None:
            return None
        head = str(element) if num_elements > 1 else ""
        key = (kind, str(row["layer"]), row["part"] or "", head)
        if kind == QUERY:
            found = row["query"]
            if found is None or num_elements > 1:
                return None
            return Measured(key, found["abs_max"], {}, not found["num_nan"] + found["num_inf"])
        if row["kind"] == "latent":
            # One cache of latents and rotary keys, written with the keys' scale alone.
            maxima = [row["key"], row["value"]] if kind == KEY else []
        else:
            maxima = [row["value"] if kind == VALUE else row["key"]]
        if not maxima or num_elements not in {1, row["num_kv_heads"]}:
            return None
        each = [_of_head(m, element, num_elements) for m in maxima]
        is_finite = not any(m["num_nan"] + m["num_inf"] for m in maxima)
        return Measured(key, max((a for a in each if a is not None), default=None), {}, is_finite)


def plain(module: str) -> str:
    """A module's name without the words that wrap one model in another.

    Args:
        module: Full dotted name.

    Returns:
        The same for one module of one model, whatever it is wrapped in.
    """
    return ".".join(_plain_words(module))


def stack_of(module: str) -> str:
    """What stands before the layer's number, without the words that wrap."""
    return ".".join(takewhile(lambda word: not word.isdecimal(), _plain_words(module)))


def layer_of(module: str) -> str:
    """The first number in a module's name; "" if it has none."""
    return next((str(int(word)) for word in module.split(".") if word.isdecimal()), "")


def _plain_words(module: str) -> Iterator[str]:
    is_inside = False
    for word in module.split("."):
        is_inside = is_inside or word.isdecimal()
        if is_inside or word not in WRAPPERS:
            yield word


def _of_experts(row: Experts, name: Reads) -> ExpertMaxima | None:
    return row.get("input") if name == "input" else row.get("down_input")


def _of_head(found: HeadMaxima, element: int, num_elements: int) -> float | None:
    """The largest |x| of one head; of all of them where there is one number, or no more known."""
    each = found["per_head"]
    return found["abs_max"] if num_elements == 1 or each is None else each[element]


def _share(found: ExpertMaxima, element: int, num_elements: int) -> float | None:
    """The largest |x| of one expert; of all of them where there is one number, or no more known."""
    each = found["per_expert"]
    return found["abs_max"] if num_elements == 1 or each is None else each[element]
