"""Stored weights as tests make them: random codes, scales of all sizes, and nothing of a file."""

import torch

from hubmaxact.stored_weights.storage import Scheme, Storage, StoredWeight

E4M3 = torch.float8_e4m3fn
E8M0 = torch.float8_e8m0fnu


def stored(formula, shape, **scheme):
    """A weight whose storage says no more than a formula needs."""
    storage = Storage(
        name=formula, title="", formula=formula, suffixes={}, required=("codes",),
        codes=frozenset(),
    )  # fmt: skip
    return StoredWeight(
        name="map.weight", shape=shape, scheme=Scheme(storage=storage, **scheme), parts={}
    )


class Random:
    """Draws of everything that can be stored, extremes among them."""

    def __init__(self, seed=0):
        self._generator = torch.Generator().manual_seed(seed)

    def bytes(self, *shape):
        """Any byte; where there are enough, each of the 256."""
        drawn = torch.randint(0, 256, shape, generator=self._generator, dtype=torch.int32)
        if drawn.numel() >= 256:
            drawn.view(-1)[:256] = torch.arange(256)
        return drawn.to(torch.uint8)

    def words(self, *shape):
        """Any 32 bits."""
        return torch.randint(-(2**31), 2**31, shape, generator=self._generator).int()

    def scales(self, *shape, dtype=torch.float32):
        """Of every size, zeros, subnormal and infinite ones and NaN too."""
        drawn = torch.randn(shape, generator=self._generator) * torch.exp2(
            torch.randint(-30, 30, shape, generator=self._generator).float()
        )
        odd = torch.tensor([0.0, -0.0, 1e-42, torch.inf, torch.nan, 3e38])
        flat = drawn.view(-1)
        if len(flat) > 2 * len(odd):
            flat[: len(odd)] = odd
        return drawn.to(dtype)

    def order(self, count):
        """A permutation."""
        return torch.randperm(count, generator=self._generator)


def same_bits(found, wanted):
    """Equal to the bit, signs of zeros too; where one is NaN, so is the other."""
    wanted = torch.as_tensor(wanted)
    numbers = ~wanted.isnan()
    return (
        found.shape == wanted.shape
        and found.dtype == wanted.dtype
        and torch.equal(~found.isnan(), numbers)
        and torch.equal(found[numbers].view(torch.int32), wanted[numbers].view(torch.int32))
    )
