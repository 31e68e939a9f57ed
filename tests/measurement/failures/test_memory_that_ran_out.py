"""Memory that runs out is told apart from other errors, and told with what would fit."""

import errno
import mmap

import pytest
import torch
from command import DENSE

from hubmaxact.errors import OutOfMemoryError
from hubmaxact.measurement.batch_plan import Batch, Split
from hubmaxact.measurement.checkpoint.memory_needed import shortage_told
from hubmaxact.measurement.checkpoint.weight_files import inspect
from hubmaxact.measurement.execution.forward import batch_shortage_told
from hubmaxact.measurement.failures.memory import ran_out

TOO_MUCH = 1 << 60  # bytes

REAL = {
    "torch's allocator": lambda: torch.empty(TOO_MUCH, dtype=torch.uint8),
    "Python's": lambda: bytearray(TOO_MUCH),
    "the system's map": lambda: mmap.mmap(-1, TOO_MUCH),
}
SAID = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: not enough memory"),
    RuntimeError("unable to mmap 9 bytes from file <x>: Cannot allocate memory (12)"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    RuntimeError("could not create a primitive"),
    RuntimeError("std::bad_alloc"),
    RuntimeError("can't start new thread"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
)
OTHER = (
    RuntimeError("The size of tensor a (4) must match the size of tensor b (8)"),
    OSError(errno.ENOENT, "No such file or directory", "out of memory.txt"),
    KeyError("memory"),
)


@pytest.mark.parametrize("asked", REAL.values(), ids=REAL)
def test_an_allocation_that_fails(asked):
    dense = inspect(DENSE)
    told = r"memory ran out while it was loaded: dense needs \d+(\.\d+)? MB .* in float32"
    wanted = pytest.raises(OutOfMemoryError, match=told)
    with wanted as raised, shortage_told(dense, "float32", "it was loaded"):
        asked()
    for way_out in ("--dtype bfloat16", "--device-map auto", "more memory"):
        assert way_out in str(raised.value)


def test_a_dtype_that_would_not_be_smaller_is_not_advised():
    wanted = pytest.raises(OutOfMemoryError)
    with wanted as raised, shortage_told(inspect(DENSE), "float16", "it was loaded"):
        bytearray(TOO_MUCH)
    assert "--dtype" not in str(raised.value)


def test_every_way_of_saying_it():
    for error in SAID:
        assert ran_out(error), error
        wrapped = ValueError("cannot load")
        wrapped.__cause__ = error
        assert ran_out(wrapped), error


def test_other_errors_are_none():
    for error in OTHER:
        assert not ran_out(error), error
        wanted = pytest.raises(type(error))
        with wanted, shortage_told(inspect(DENSE), "float32", "it was loaded"):
            raise error


@pytest.mark.parametrize("can_spread", [True, False])
def test_a_text_that_does_not_fit_alone_names_only_what_the_run_may_do(can_spread):
    batch = Batch(0, Split.REST, (0,), 2048)
    wanted = pytest.raises(OutOfMemoryError, match="1 x 2,048 tokens does not fit")
    with wanted as raised, batch_shortage_told(batch, can_spread=can_spread):
        torch.empty(TOO_MUCH, dtype=torch.uint8)
    assert ("--device-map auto" in str(raised.value)) == can_spread
    assert "Use --max-seq-len 1024" in str(raised.value)
    assert str(raised.value).endswith(" or a larger device.")
