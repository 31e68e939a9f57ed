"""Bytes between the processes of one run, through torch.distributed's gloo.

What is exchanged lies in the host's memory, whatever device counted it, so gloo carries it for
every kind of device. nccl carries what lies on GPUs alone, takes memory there that the model could
have had, and saves nothing: the states of a run cross once, at its end.
"""

from time import sleep

import torch
import torch.distributed as dist
from torch import Tensor

from hubmaxact.measurement.distributed.failure import LostRankError
from hubmaxact.measurement.distributed.launched import Launched

CHUNK = 1 << 24  # bytes that cross at a time: contents may be longer than what gloo counts to
POLLED = 0.005  # seconds
AFTERWARDS = 30.0  # seconds to hear why a connection broke


class Exchange:
    """The group of this process, joined with all others.

    Args:
        place: Of this process.
    """

    def __init__(self, place: Launched) -> None:
        self.rank, self.size, self.local_rank = place.rank, place.size, place.local_rank

    def gather(self, content: bytes) -> list[bytes] | None:
        """Bring what every process has to rank 0, as `Group.gather`."""
        sizes = self._sizes(len(content))
        parts: list[list[bytes]] = [[] for _ in sizes]
        for start in range(0, max(sizes), CHUNK):
            width = min(CHUNK, max(sizes) - start)
            mine = _tensor(content[start : start + width], width)
            theirs = [torch.empty_like(mine) for _ in sizes] if self.rank == 0 else None
            _wait(dist.gather(mine, theirs, dst=0, async_op=True))
            for size, told, chunk in zip(sizes, parts, theirs or (), strict=False):
                told.append(_bytes(chunk, size - start))
        if self.rank:
            return None
        gathered = []
        while parts:  # one content alone is held twice at a time
            gathered.append(b"".join(parts.pop(0)))
        return gathered

    def broadcast(self, content: bytes | None) -> bytes:
        """Bring what rank 0 has to every process, as `Group.broadcast`."""
        told = (content or b"") if self.rank == 0 else b""
        size = self._sizes(len(told))[0]
        parts = []
        for start in range(0, size, CHUNK):
            width = min(CHUNK, size - start)
            chunk = _tensor(told[start : start + width], width)
            _wait(dist.broadcast(chunk, src=0, async_op=True))
            parts.append(_bytes(chunk, width))
        return b"".join(parts)

    def _sizes(self, size: int) -> list[int]:
        """Of what each one brings, in bytes."""
        mine = torch.tensor([size])
        theirs = [torch.empty_like(mine) for _ in range(self.size)]
        _wait(dist.all_gather(theirs, mine, async_op=True))
        return [int(each) for each in theirs]


def _tensor(content: bytes, width: int) -> Tensor:
    """Bytes as a tensor, filled up with zeros."""
    filled = bytearray(width)
    filled[: len(content)] = content
    return torch.frombuffer(filled, dtype=torch.uint8)


def _bytes(chunk: Tensor, left: int) -> bytes:
    """The first bytes of a tensor, as many as are left of a content."""
    return chunk[: max(0, left)].numpy().tobytes()


def _wait(work: "dist.Work | None") -> None:
    """Wait in Python, which hears signals: a wait of gloo's own cannot be broken off."""
    assert work is not None
    while not work.is_completed():
        sleep(POLLED)
    try:
        work.wait()
    except RuntimeError as error:
        sleep(AFTERWARDS)  # the lifeline tells who is gone, and ends this process meanwhile
        raise LostRankError(
            f"the connection to another process broke: {' '.join(str(error).split())[:300]}. "
            "Look at what the others said."
        ) from error
