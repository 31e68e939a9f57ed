"""Every way of reading tensors ends in the state that torch's operations make, to the last bit."""

import pytest
from measurement.kernels.adversarial import (
    DEVICE,
    DTYPES,
    VALUES,
    WAYS,
    different,
    expected,
    folded,
)

from hubmaxact.measurement.kernels.choice import reader_of
from hubmaxact.measurement.kernels.torch_operations import TorchOperations


@pytest.fixture(scope="module")
def reader():
    """Return the fast reader of this device, one for all tensors as in a run."""
    fast = reader_of(DEVICE, format_errors=True)
    assert not isinstance(fast, TorchOperations)
    return fast


@pytest.mark.by_day(
    "NaN and infinities-*", "*-torch.float16-experts and padding",
    "*-torch.float32-a linear input, formats", "*-torch.bfloat16-formats in experts, padding",
)  # fmt: skip
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", [*VALUES, "every kind of bits"])
def test_the_fast_reader_ends_in_the_same_state(reader, name, dtype, way):
    fast = folded(reader, name, dtype, WAYS[way])
    assert different(fast, expected(name, dtype, WAYS[way])) == []


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_what_the_fast_reader_can_read_it_reads_itself(dtype):
    fast = reader_of(DEVICE)
    for way in ("all rows", "padding", "experts and padding"):
        folded(fast, "random", dtype, WAYS[way])
    (way,) = fast.ways
    assert "torch operations" not in way
