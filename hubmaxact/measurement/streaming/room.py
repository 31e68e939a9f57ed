"""How much of the residual stream is kept between layers, and where: what a chunk of batches is.

The more a chunk holds, the fewer times weights are read. Results do not depend on it.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from hubmaxact.measurement.streaming.residuals import InHostMemory, OnDevice, OnDisk, Residual

IN_MEMORY = 256 << 20
"""Bytes of residual streams on a CPU, where memory is what streaming saves."""

ON_DEVICE, PINNED = 512 << 20, 16 << 30
"""Bytes on an accelerator and in pinned host memory, where at least four times as much is free."""

SHARE = 4
MEMORY = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes of residual streams by place."""

    device: int
    host: int = 0
    disk: int = 0


def budget_for(device: torch.device, layer_bytes: int, folder: Path) -> Budget:
    """Choose from what is free now.

    A layer is read once for each chunk, a stream on disk written and read once for each layer: with
    m bytes in memory and d on disk, (W + 2 d) / (m + d) bytes move for each byte of the stream.
    That falls with d where W > 2 m, and is near its end at d = W.

    Args:
        device: Where the model runs; its first layers are there.
        layer_bytes: W, of the largest layer.
        folder: Where files would lie.

    Returns:
        The bytes.
    """
    on_device, in_host = IN_MEMORY, 0
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        on_device = min(ON_DEVICE, max(0, free - 2 * layer_bytes) // SHARE)
        in_host = min(PINNED, _free_memory() // SHARE)
    in_memory = on_device + in_host
    free_disk = shutil.disk_usage(folder).free // SHARE
    on_disk = min(layer_bytes, free_disk) if layer_bytes > 2 * in_memory else 0
    return Budget(on_device, in_host, on_disk)


def _free_memory() -> int:
    """Bytes that the system could give, where it says so; 0 where not."""
    try:
        lines = MEMORY.read_text("ascii").splitlines()
    except OSError:
        return 0
    said = (line.split() for line in lines if line.startswith("MemAvailable:"))
    return next((int(kibibytes) << 10 for _, kibibytes, *_ in said), 0)


class Room:
    """What a chunk may still hold.

    Args:
        budget: Of the chunk.
        folder: Takes files.
    """

    def __init__(self, budget: Budget, folder: Path) -> None:
        self._device, self._host, self._disk = budget.device, budget.host, budget.disk
        self._folder, self._files = folder, 0

    def has(self, num_bytes: int) -> bool:
        """Whether another stream of so many bytes has a place."""
        return self._device > 0 and num_bytes <= max(self._device, self._host, self._disk)

    def use(self, num_bytes: int) -> None:
        """Take bytes on the device for something else."""
        self._device -= num_bytes

    def place(self, num_bytes: int) -> Residual:
        """Take a place, the fastest that is left; what has none stays on the device."""
        if num_bytes > self._device and num_bytes <= self._host:
            self._host -= num_bytes
            return InHostMemory()
        if num_bytes > self._device and num_bytes <= self._disk:
            self._disk -= num_bytes
            self._files += 1
            return OnDisk(self._folder / f"{self._files}.bin")
        self._device -= num_bytes
        return OnDevice()
