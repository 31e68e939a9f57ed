"""A tensor made small comes back to the last bit; bytes of anything else are refused."""

import numpy as np
import pytest
import torch

from hubmaxact.measurement.state.compact import BITS, DTYPES, DamagedError, Form, pack, unpack

NAN_PAYLOADS = (
    torch.tensor([0x7FC00001, 0x7F800123, -1, 0x80000000 - 2**32]).int().view(torch.float32)
)
HISTOGRAM = torch.zeros(1 << 16, dtype=torch.int64)
HISTOGRAM[16000:20000:3] = torch.arange(1334) ** 3 + 1
KEPT = {
    "mostly zero counts": HISTOGRAM,
    "one count at the last place": torch.eye(300, dtype=torch.int64)[299],
    "all zero": torch.zeros(3, 1 << 15, dtype=torch.int64),
    "extremes that nothing was seen for": torch.full((500,), -1.0, dtype=torch.float64),
    "a number": torch.tensor(7, dtype=torch.int64),
    "the largest counts": torch.tensor([2**63 - 1, -(2**63), -1, 0]),
    "what only tells a dtype": torch.empty(0, dtype=torch.bfloat16),
    "no rows of four": torch.empty(0, 4, dtype=torch.int64),
    "payloads of NaN": NAN_PAYLOADS,
    "signed zeros, infinities": torch.tensor([0.0, -0.0, torch.inf, -torch.inf, torch.nan]),
    "bools": torch.tensor([[True, False], [False, True]]),
    "not contiguous": torch.arange(12.0).reshape(3, 4).T[1:],
    "of a graph": torch.ones(3, requires_grad=True) * 2,
}


def bits(tensor):
    return tensor.detach().contiguous().reshape(-1).view(BITS[tensor.element_size()]).tolist()


def assert_comes_back(tensor):
    form, content = pack(tensor)
    back = unpack(form, content)
    assert (back.dtype, back.shape, bits(back)) == (tensor.dtype, tensor.shape, bits(tensor))
    assert len(content) <= tensor.numel() * tensor.element_size()
    assert form.is_sound
    assert form.num_bytes == tensor.numel() * tensor.element_size()


@pytest.mark.parametrize("kind", KEPT)
def test_it_comes_back_to_the_last_bit(kind):
    assert_comes_back(KEPT[kind])


def test_any_bits_of_any_dtype_come_back():
    choice = np.random.default_rng(3)
    for dtype in DTYPES.values():
        for share in (0.0, 0.01, 0.3, 1.0):
            elements = choice.integers(0, 2, (70, dtype.itemsize), dtype=np.uint8)
            if dtype != torch.bool:
                elements *= choice.integers(0, 256, elements.shape, dtype=np.uint8)
            elements[choice.random(70) >= share] = 0
            assert_comes_back(torch.from_numpy(elements.reshape(-1)).view(dtype).reshape(7, 10))


def test_what_is_smaller_is_stored():
    _, counts = pack(HISTOGRAM)
    assert len(counts) == 1334 * (2 + 4)  # a place below 2^16, a count below 2^32
    assert pack(KEPT["all zero"]) == (Form("int64", (3, 1 << 15), 0, 0), b"")
    form, content = pack(torch.full((500,), 3))
    assert (form.of_place, len(content)) == (0, 500)


def test_it_stays_as_it_is_and_shares_nothing():
    tensor = torch.arange(4)
    back = unpack(*pack(tensor))
    back += 1
    assert tensor.tolist() == [0, 1, 2, 3]


SPARSE = Form("int64", (300,), 2, 1)
DAMAGED = {
    "too few bytes": (Form("int64", (2,), 0, 8), bytes(15)),
    "half a pair": (SPARSE, bytes(4)),
    "a place behind the last": (SPARSE, b"\x2c\x01\x01"),
    "places that go back": (SPARSE, b"\x02\x00\x01\x00" + b"\x01\x01"),
    "a place twice": (SPARSE, b"\x02\x00\x02\x00" + b"\x01\x01"),
    "a bool of two": (Form("bool", (2,), 0, 1), b"\x01\x02"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_bytes_of_something_else_are_refused(kind):
    with pytest.raises(DamagedError):
        unpack(*DAMAGED[kind])
