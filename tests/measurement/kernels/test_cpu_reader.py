"""The CPU's fast reader: threads, bins that fill, what it refuses, and what runs without it."""

import itertools
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from measurement.kernels.adversarial import (
    DEVICE,
    DTYPES,
    WAYS,
    different,
    expected,
    folded,
    watched,
)

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.kernels.choice import reader_of
from hubmaxact.measurement.kernels.cpu import fp32_rows, trust, workers
from hubmaxact.measurement.kernels.cpu.counts import Counts
from hubmaxact.measurement.kernels.cpu.reader import CpuReader
from hubmaxact.measurement.kernels.cpu.strided import PIECE_BYTES
from hubmaxact.measurement.kernels.cpu.totals import total
from hubmaxact.measurement.kernels.torch_operations import TorchOperations
from hubmaxact.measurement.kernels.trial import equals_torch
from hubmaxact.measurement.loops.shared_work import share, together
from hubmaxact.measurement.statistics.exact_sums import weighted
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics

CPU = torch.device("cpu")
SPILL = Counts.spill
TESTS = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(DEVICE.type != "cpu", reason="another device is tested")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_any_number_of_threads_ends_in_the_same_state(dtype):
    reader = CpuReader()
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        state = folded(reader, "several pieces", dtype, WAYS["padding"])
    finally:
        torch.set_num_threads(before)
    assert different(state, expected("several pieces", dtype, WAYS["padding"])) == []


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_sums_of_errors_do_not_depend_on_threads(dtype):
    """To the last bit, though others may add them up in another order."""
    before, sums = torch.get_num_threads(), []
    for number in (1, 3):
        torch.set_num_threads(number)
        state = folded(CpuReader(), "several pieces", dtype, WAYS["a linear input, formats"])
        sums.append(state["formats/err_sq"])
    torch.set_num_threads(before)
    assert torch.equal(*sums)


def test_each_piece_is_done_once_and_an_error_in_any_thread_is_raised():
    done = [[], [], []]
    share(done, list(range(100)), list.append)
    assert sorted(itertools.chain(*done)) == list(range(100))
    with pytest.raises(ZeroDivisionError):
        share(done, [1, 0, 1, 1], lambda _, piece: 1 / piece)
    with pytest.raises(ZeroDivisionError):
        together([1, 0, 1, 1], lambda worker: 1 / worker)


@pytest.mark.skipif(sys.platform != "linux", reason="torch shares its work in another way")
def test_work_is_shared_by_the_threads_of_torch_itself():
    before, met = threading.active_count(), set()
    torch.set_num_threads(2)
    meeting = threading.Barrier(2)

    def meet(_):
        meeting.wait(20)  # both at once, or never
        met.add(threading.get_native_id())

    together([0, 1], meet)
    assert len(met) == 2
    assert threading.active_count() == before


def test_work_of_another_thread_than_the_main_one_is_shared_by_threads_of_its_own():
    worked = []
    thread = threading.Thread(target=together, args=([0, 1, 2], worked.append))
    thread.start()
    thread.join()
    assert sorted(worked) == [0, 1, 2]


@pytest.mark.parametrize("way", ["all rows", "a linear input, padding"])
def test_bins_are_emptied_before_they_are_full(monkeypatch, way):
    monkeypatch.setattr(fp32_rows, "MOST_VALUES", PIECE_BYTES // 4)
    state = folded(CpuReader(), "several pieces", torch.float32, WAYS[way])
    assert different(state, expected("several pieces", torch.float32, WAYS[way])) == []


@pytest.mark.parametrize("way", ["all rows", "a linear input, padding"])
def test_counts_of_32_bits_are_kept_before_they_overflow(monkeypatch, way):
    monkeypatch.setattr(workers, "MOST_COUNTED", PIECE_BYTES // 2)
    spilled = []
    monkeypatch.setattr(Counts, "spill", lambda counts: spilled.append(1) or SPILL(counts))
    state = folded(CpuReader(), "several pieces", torch.bfloat16, WAYS[way])
    assert spilled
    assert different(state, expected("several pieces", torch.bfloat16, WAYS[way])) == []


@pytest.mark.parametrize("power", [1, 2])
def test_compiled_totals_are_those_of_integers_without_bound(power):
    """Every exponent, the largest integers, and parts below zero of a total that is not."""
    random = np.random.default_rng(power)
    large, small = random.integers(0, 2**63 - 1, (2, 256)), random.integers(-99, 99, 256)
    for parts in (
        [(large[0], 0)],
        [(large[0], 34), (small, 18), (large[1], 0)],
        [(np.full(256, 2**63 - 1), 31)],
        [(np.zeros(256, np.int64), 0)],
        [(np.eye(256, dtype=np.int64)[0], 0)],
    ):
        assert total(power, *parts) == sum(weighted(row, power) << shift for row, shift in parts)


def test_weights_are_powers_of_two_and_subnormals_share_the_smallest():
    row = np.zeros(256, np.int64)
    row[[0, 1, 7]] = 3, 5, 2**62
    assert weighted(row, 2) == (3 + 5) * 2**2 + 2**62 * 2**14


def test_a_tensor_of_another_dtype_is_refused():
    statistics = SiteStatistics(torch.float32)
    x = torch.ones(3, 4, dtype=torch.bfloat16)
    with pytest.raises(ValueError, match=r"expected torch\.float32, got torch\.bfloat16"):
        CpuReader().fold(watched(x, Split.REST, WAYS["all rows"], 0), statistics, None)


@pytest.fixture
def asked_anew():
    """Whether loops work here is asked once in a process."""
    trust._why_not.cache_clear()
    yield
    trust._why_not.cache_clear()


def test_what_cannot_be_imported_is_done_without_and_said(monkeypatch, asked_anew):
    monkeypatch.setitem(sys.modules, "numba", None)
    reader = reader_of(CPU)
    assert isinstance(reader, TorchOperations)
    x = torch.ones(3, 4)
    statistics = SiteStatistics(torch.float32)
    reader.fold(watched(x, Split.REST, WAYS["all rows"], 0), statistics, None)
    (way,) = reader.ways
    assert "by torch operations, because numba cannot be imported" in way


SHORTAGES = {
    "of an object": MemoryError(),
    "of a library": ImportError("libllvmlite.so: failed to map segment from shared object"),
    "of a thread": RuntimeError("can't start new thread"),
}


@pytest.mark.parametrize("error", SHORTAGES.values(), ids=SHORTAGES)
def test_loops_that_lack_memory_are_said_to(error):
    assert trust._told(error).startswith("memory ran out while numba prepared its loops: ")


def test_loops_that_fail_otherwise_are_told_by_their_own_error():
    told = trust._told(ValueError("no such loop"))
    assert told == "numba's loops failed here: ValueError: no such loop"


class Otherwise(TorchOperations):
    """Reads one split of a bf16 tensor as often as it is told to, and all else once."""

    def __init__(self, split, times):
        super().__init__(CPU, "to be tried")
        self.split, self.times = split, times

    def fold(self, watched, statistics, samples):
        is_told = watched.split == self.split and watched.x_RD.dtype == torch.bfloat16
        for _ in range(self.times if is_told else 1):
            super().fold(watched, statistics, samples)


@pytest.mark.parametrize("split", Split)
def test_a_reader_that_reads_otherwise_does_not_pass_its_trial(split):
    assert equals_torch(Otherwise(split, 1), torch.bfloat16)
    for times in (0, 2):
        assert not equals_torch(Otherwise(split, times), torch.bfloat16)
        assert equals_torch(Otherwise(split, times), torch.float32)


def test_whoever_has_a_reader_waits_for_no_compiler_afterwards():
    """A process of its own: here, others may have had everything compiled."""
    done = subprocess.run([sys.executable, "-c", READ_ALL], capture_output=True, check=True)
    assert done.stdout == b"", done.stdout


READ_ALL = f"""
import sys
sys.path[:0] = {[str(TESTS), *sys.path]!r}
from measurement.kernels.adversarial import DTYPES, WAYS, folded
from numba.core.dispatcher import Dispatcher
import torch
from hubmaxact.measurement.kernels.choice import reader_of
from hubmaxact.measurement.rotary_pairs import Pairs

def compiled():
    rooms = [m for name, m in sys.modules.items() if name.startswith("hubmaxact.") and m]
    loops = [v for room in rooms for v in vars(room).values() if isinstance(v, Dispatcher)]
    return {{(loop.py_func.__name__, str(s)) for loop in loops for s in loop.signatures}}

cpu = torch.device("cpu")
reader_of(cpu)
before = compiled()
assert before and not any("format" in name for name, _ in before)
reader = reader_of(cpu, format_errors=True)
before = compiled()
assert any("format" in name for name, _ in before)
for dtype in DTYPES:
    for way in WAYS.values():
        for name in ("random", "several pieces", "every other column", "NaN and infinities"):
            folded(reader, name, dtype, way)
    heads = torch.ones(2, 3, 4, 6, dtype=dtype)
    for kept in (None, torch.ones(2, 4, dtype=torch.bool)):
        reader.maxima.norms(heads, kept)
        reader.maxima.pair_squares(heads, kept, Pairs(4))
for late in compiled() - before:
    print(late)
"""


def test_counts_are_given_whole_and_once():
    counts, site = Counts(2, 4), np.array([[1, 0, 0], [0, 0, 0]])
    counts.array[1, 2] = 4
    counts.spill()
    counts.array[1, 2] = 3
    counts.array[0, :2] = 5
    for _ in range(2):
        counts.give(site, 1)
        assert site.tolist() == [[6, 0, 0], [0, 7, 0]]
