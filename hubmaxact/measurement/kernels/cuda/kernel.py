"""The kernel for rows of one format, width and layout, ready to be launched."""

import ctypes
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor

from hubmaxact.measurement.kernels.cuda.compiler import machine_code, succeeded

MAX_WARPS = 32  # of a block
NUM_BARRIERS = 15  # of a block, beside the one for all of it
MOST_PER_LANE = 8  # vectors of eight values that a lane holds in registers
MOST_PER_LANE_OF_BLOCKS = 4  # beside as many channels' maxima
BIN_BYTES, BLOCK_BIN_BYTES = 65_536, 24_576
WIDE_WARPS = 16  # of a block that reads fp16 or fp32, whose warps have a row each
FORMATS = (torch.bfloat16, torch.float16, torch.float32)
"""Formats that the sources know, by number."""


def layout_of(x: Tensor) -> int:
    """How rows lie: 1 for neighbours, 2 for every second value, both aligned; 0 for any other."""
    *strides, value_stride = x.stride()
    aligned = x.shape[-1] % 8 == 0 and x.data_ptr() % 16 == 0
    aligned &= all(stride % 8 == 0 for stride in strides)
    known = (1, 2) if x.dtype == torch.bfloat16 else (1,)
    return value_stride if aligned and value_stride in known else 0


class Compilation(Hashable, Protocol):
    """A source and what it is compiled with; its function is named `fold`."""

    @property
    def entry(self) -> str:
        """Name of the source."""

    @property
    def width(self) -> int:
        """Values of a row."""

    @property
    def constants(self) -> dict[str, int]:
        """Constants of the sources by name; WARPS times TEAMS are the warps of a block."""

    @property
    def shared_bytes(self) -> int:
        """Memory of a block beside what the source declares."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What one compilation reads."""

    dtype: torch.dtype  # one of FORMATS
    width: int  # values of a row, 1 to `most_per_row`
    layout: int  # how they lie, see `layout_of`
    is_linear_input: bool  # whether channels and blocks are wanted

    @property
    def entry(self) -> str:
        """The source that reads it."""
        return "fold.cu" if self.dtype == torch.bfloat16 else "wide.cu"

    @property
    def constants(self) -> dict[str, int]:
        """What it is compiled with."""
        return constants_for(self)

    @property
    def shared_bytes(self) -> int:
        """Memory of a block for its bins."""
        return BIN_BYTES + (BLOCK_BIN_BYTES if self.is_linear_input else 0)


def constants_for(kind: Kind) -> dict[str, int]:
    """What the sources are compiled with.

    Args:
        kind: What they read.

    Returns:
        Constants by name: warps that share a row, rows that a block holds at a time, vectors of
        eight values in a lane; a lane holds none of wider formats than bf16.
    """
    of_rows = {
        "FORMAT": FORMATS.index(kind.dtype),
        "WIDTH": kind.width,
        "LAYOUT": kind.layout,
        "LINEAR_INPUT": int(kind.is_linear_input),
    }
    if kind.dtype != torch.bfloat16:
        return of_rows | {"WARPS": 1, "TEAMS": WIDE_WARPS}
    vectors = -(-kind.width // 8)
    most = MOST_PER_LANE_OF_BLOCKS if kind.is_linear_input else MOST_PER_LANE
    warps = -(-vectors // (32 * most))
    teams = MAX_WARPS if warps == 1 else min(NUM_BARRIERS, MAX_WARPS // warps)
    return of_rows | {"WARPS": warps, "TEAMS": teams, "PER_LANE": -(-vectors // (32 * warps))}


class Kernel:
    """One compilation on one device.

    Args:
        kind: What it reads.
        index: Of the device.

    Raises:
        CudaError: The compiler or the driver refuses.
    """

    def __init__(self, kind: Compilation, index: int) -> None:
        from cuda.bindings import driver

        constants = kind.constants
        self._shared_bytes = kind.shared_bytes
        self._teams = constants["TEAMS"]
        self._threads = 32 * constants["WARPS"] * self._teams
        gpu = torch.cuda.get_device_properties(index)
        self._most_blocks = gpu.multi_processor_count
        code = machine_code(kind.entry, f"sm_{gpu.major}{gpu.minor}", constants)
        with torch.cuda.device(index):
            torch.cuda.current_stream(index)  # there must be a context to load into
            self._module = succeeded(driver.cuModuleLoadData(code))
        self._function = succeeded(driver.cuModuleGetFunction(self._module, b"fold"))
        most_shared = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        succeeded(driver.cuFuncSetAttribute(self._function, most_shared, self._shared_bytes))
        self._launch: Any = driver.cuLaunchKernel

    def launch(self, arguments: ctypes.Structure, stream: int) -> None:
        """Fold in one tensor, after what the stream was told before.

        Args:
            arguments: Of the source; copied at once. `num_rows` is among them.
            stream: Of this kernel's device, which is the current one.

        Raises:
            CudaError: The driver refuses.
        """
        pointer = (ctypes.c_void_p * 1)(ctypes.addressof(arguments))
        blocks = min(self._most_blocks, -(-arguments.num_rows // self._teams))
        given = ctypes.addressof(pointer)
        threads, shared = self._threads, self._shared_bytes
        succeeded(
            self._launch(self._function, blocks, 1, 1, threads, 1, 1, shared, stream, given, 0)
        )


@cache
def kernel_for(kind: Compilation, index: int) -> Kernel:
    """One for each kind and device, kept as long as the process."""
    return Kernel(kind, index)
