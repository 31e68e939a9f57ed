"""The same run by other means: a plain model, plain hooks, and rounding row by row by search."""

import math
from contextlib import ExitStack

import numpy as np
import torch
from measurement.rounding.numbers import NUMBERS, nearest
from torch import nn
from transformers.integrations import moe

E4M3, E2M1, INT8 = NUMBERS["float8_e4m3fn"], NUMBERS["e2m1"], NUMBERS["int8"]
FLOAT32 = np.float32


def by_rows(round_row):
    """Round a tensor row by row, each as float32, back in its own number format."""

    def rounded(x):
        rows = [round_row(row) for row in x.flatten(0, -2).float().numpy()]
        return torch.from_numpy(np.stack(rows)).view(x.shape).to(x.dtype)

    return rounded


def scaled(values, scale, numbers):
    """The nearest multiples of a scale that a format has; zeros where the scale is zero."""
    return nearest(values / scale, numbers) * scale if scale else np.zeros_like(values)


def dynamic(size, numbers):
    """A scale for each block of a row, from its own largest |x|."""

    def round_row(row):
        parts = [row[begin : begin + size] for begin in range(0, len(row), size)]
        largest = FLOAT32(numbers[-1])
        return np.concatenate([scaled(p, np.abs(p).max() / largest, numbers) for p in parts])

    return by_rows(round_row)


def powers(size, numbers, exponent):
    """Scales that are powers of two, for each block of a row; the exponent of a largest |x|."""

    def round_row(row):
        parts = [row[begin : begin + size] for begin in range(0, len(row), size)]
        scales = [FLOAT32(2.0 ** exponent(float(np.abs(p).max()))) for p in parts]
        return np.concatenate([scaled(*each, numbers) for each in zip(parts, scales, strict=True)])

    return by_rows(round_row)


def up_e4m3(largest):
    """The least at which nothing saturates."""
    return math.ceil(math.log2(largest / 448))


def even_e2m1(largest):
    """Of the largest |x|, its fraction rounded to one bit, half up; 4 is E2M1's largest power."""
    fraction, exponent = math.frexp(largest)  # in [0.5, 1)
    return exponent - 1 + (math.floor(4 * fraction + 0.5) == 4) - 2


def bounded(bound):
    """FP8 with a scale for each row, of its largest |x| or of the bound."""

    def round_row(row):
        return scaled(row, min(np.abs(row).max(), FLOAT32(bound)) / FLOAT32(448), E4M3)

    return by_rows(round_row)


def static(scale, numbers):
    """One scale."""
    return by_rows(lambda row: scaled(row, FLOAT32(scale), numbers))


def int8_static(scale):
    """One scale; the lowest code is -128."""

    def round_row(row):
        return (row / FLOAT32(scale)).round().clip(-128, 127) * FLOAT32(scale)

    return by_rows(round_row)


def nvfp4(divisor):
    """Blocks of 16 whose scales are E4M3 numbers over one divisor."""
    divisor = FLOAT32(divisor)

    def round_row(row):
        parts = row.reshape(-1, 16)
        scales = [nearest(np.abs(p).max() / FLOAT32(6) * divisor, E4M3) / divisor for p in parts]
        return np.concatenate([scaled(p, s, E2M1) for p, s in zip(parts, scales, strict=True)])

    return by_rows(round_row)


class Direct:
    """What modules read, before anything rounds it, and what they put out."""

    def __init__(self):
        self.inputs, self.outputs = {}, {}

    def run(self, model, ids, round_of):
        """Run a batch; `round_of` gives for a map's name, or for experts' stack, what rounds it."""
        with ExitStack() as hooks, torch.no_grad():
            for name, module in model.named_modules():
                self._watch(hooks, name, module, round_of)
            self._watch_experts(hooks, model, round_of)
            model.model(input_ids=ids, use_cache=False)
        return self

    def _watch(self, hooks, name, module, round_of):
        def before(_, args):
            if args and isinstance(args[0], torch.Tensor):
                self.inputs[name] = args[0].clone()
                if isinstance(module, nn.Linear) and name in round_of:
                    return (round_of[name](args[0]), *args[1:])
            return None

        def after(_, __, output):
            first = output[0] if isinstance(output, tuple) else output
            if isinstance(first, torch.Tensor):
                self.outputs[name] = first.clone()

        hooks.callback(module.register_forward_pre_hook(before).remove)
        hooks.callback(module.register_forward_hook(after).remove)

    def _watch_experts(self, hooks, model, round_of):
        """Both grouped products of experts, rounded where rows are sorted already."""
        stacks = {
            id(getattr(module, stack)): f"{name}.{stack}"
            for name, module in model.named_modules()
            if hasattr(module, "has_gate")
            for stack in ("gate_up_proj", "down_proj")
        }
        linear = moe._grouped_linear

        def rounding(x, weight, *args, **named):
            name = stacks[id(weight)]
            self.inputs[name] = x.clone()
            return linear(round_of[name](x) if name in round_of else x, weight, *args, **named)

        moe._grouped_linear = rounding
        hooks.callback(setattr, moe, "_grouped_linear", linear)
