"""Every number of each small format, from its own bits, and the nearest one by search."""

import numpy as np
import torch

from hubmaxact.formats import LARGEST_FINITE


def minifloats(exponent_bits, fraction_bits, largest):
    """All that are not negative, ascending: so a number's place is its code, even or odd."""
    bias = (1 << (exponent_bits - 1)) - 1
    code = np.arange(1 << (exponent_bits + fraction_bits))
    exponent, fraction = code >> fraction_bits, code & ((1 << fraction_bits) - 1)
    mantissa = fraction / (1 << fraction_bits) + (exponent > 0)
    numbers = mantissa * 2.0 ** (np.maximum(exponent, 1) - bias)
    return numbers[numbers <= largest]


NUMBERS = {
    "int8": np.arange(128.0),
    "float8_e4m3fn": minifloats(4, 3, 448.0),
    "float8_e5m2": minifloats(5, 2, 57344.0),
    "e2m1": minifloats(2, 1, 6.0),
}


def nearest(x, numbers):
    """The nearest number of each value, of two the one with an even code; beyond all the last."""
    size = np.minimum(np.abs(x.astype(np.float64)), numbers[-1])
    above = np.minimum(np.searchsorted(numbers, size), len(numbers) - 1)
    below = np.maximum(above - 1, 0)
    up, down = np.abs(numbers[above] - size), np.abs(size - numbers[below])
    code = np.where((up < down) | ((up == down) & (above % 2 == 0)), above, below)
    return np.copysign(numbers[code], x).astype(np.float32)


def all_bf16():
    """Every finite bf16 value, as float32."""
    x = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16).view(torch.bfloat16).float()
    return x[x.isfinite()]


def around(numbers):
    """Each number and the middle of each two, with their float32 neighbours, of both signs."""
    places = np.concatenate([numbers, (numbers[1:] + numbers[:-1]) / 2, [numbers[-1] * 1.1]])
    middle = places.astype(np.float32)
    near = [np.nextafter(middle, np.float32(side)) for side in (-np.inf, np.inf)]
    both = np.concatenate([middle, *near])
    return torch.from_numpy(np.concatenate([both, -both]))


def _normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def _mixed():
    """Rows of ordinary size, in each of which one block or more is far smaller or larger."""
    x = _normal(48, 256)
    return x * 10.0 ** torch.arange(-6, 6).repeat_interleave(22)[:256]


TENSORS = {
    "random": lambda: _normal(64, 256),
    "heavy tails": lambda: _normal(64, 256) * torch.exp(4 * _normal(256, 64).T),
    "blocks of all sizes": _mixed,
    "every bf16 value": lambda: all_bf16()[: 65_280 // 256 * 256].reshape(-1, 256),
    "zeros": lambda: torch.zeros(4, 256),
    "subnormal": lambda: _normal(8, 256) * 1e-39,
    "tiny": lambda: _normal(8, 256) * 2.0 ** -torch.arange(100, 132).repeat_interleave(8),
    "largest": lambda: LARGEST_FINITE["bfloat16"] * _normal(8, 256).sign(),
    "one massive value": lambda: _normal(64, 256).index_fill(1, torch.tensor([7]), 3e4),
}
"""All of whole blocks of 128."""


def tensor(name):
    """Values that bf16 has, as bf16."""
    return TENSORS[name]().to(torch.bfloat16)
