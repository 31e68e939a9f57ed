"""Every way of reading sums up the same errors of formats: wide rows, thresholds at any end."""

import pytest
import torch
from measurement.kernels.adversarial import DEVICE, DTYPES, Way, watched

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.kernels.choice import reader_of
from hubmaxact.measurement.kernels.torch_operations import TorchOperations
from hubmaxact.measurement.statistics.format_errors import are_near
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics

WAY = Way(padded=True)


def _random():
    return torch.Generator().manual_seed(11)


def _between(lowest, highest, *shape):
    """Powers of two with any exponent."""
    exponents = lowest + (highest - lowest) * torch.rand(*shape, generator=_random())
    return torch.exp2(exponents).clamp(max=3.38e38)


def _few_bits(*shape):
    whole = torch.randint(-255, 256, shape, generator=_random())
    return whole * torch.exp2(-torch.randint(0, 20, shape, generator=_random()).float())


WIDE = {
    "of one warp": lambda: torch.randn(9, 2048, generator=_random()),
    "of two warps": lambda: torch.randn(9, 2056, generator=_random()) * 3,
    "of many warps": lambda: torch.randn(5, 20_001, generator=_random()),
    "as wide as can be": lambda: torch.randn(3, 32_768, generator=_random()),
}
NARROW = {
    "whose quotients tie": lambda: _few_bits(64, 128),
    "of all sizes": lambda: _between(-140, 128, 30, 160),
    "of the smallest values": lambda: _between(-133, -100, 30, 160),
    "where division has to be careful": lambda: _between(-65, -55, 30, 160),
    "of the largest values": lambda: _between(98, 128, 30, 160),
}
# The last one divides NVFP4's codes into scales of which no approximate quotient is good enough.
THRESHOLDS = (0.0, 1e-40, 1e-30, 3e38, 1791.9998779296875)
ROWS = WIDE | NARROW
CASES = [(name, None) for name in ROWS] + [(name, t) for name in NARROW for t in THRESHOLDS]


@pytest.fixture(scope="module")
def reader():
    """Return the fast reader of this device."""
    fast = reader_of(DEVICE, format_errors=True)
    assert not isinstance(fast, TorchOperations)
    return fast


@pytest.mark.parametrize(("name", "threshold"), CASES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_rows_and_thresholds_of_any_size(reader, dtype, name, threshold):
    x = ROWS[name]().to(dtype)
    torchs = TorchOperations(DEVICE, "because all others must equal it")
    fast, slow = (_state(each, x, threshold) for each in (reader, torchs))
    assert are_near(fast.pop("formats/err_sq"), slow.pop("formats/err_sq"))
    assert {key: held.tolist() for key, held in fast.items()} == {
        key: held.tolist() for key, held in slow.items()
    }


def _state(reader, x, threshold):
    """What one tensor loses that also calibrates, unless a threshold is given."""
    fixed = None if threshold is None else {"max_abs": threshold} if threshold else {}
    statistics = SiteStatistics(
        x.dtype, reader.device, is_linear_input=True, sums_format_errors=True, thresholds=fixed
    )
    for split in (Split.CALIBRATION, Split.EVALUATION):
        reader.fold(watched(x.to(DEVICE), split, WAY, 1), statistics, None)
    reader.settle()
    return {key: held for key, held in statistics.state().items() if key.startswith("formats/")}
