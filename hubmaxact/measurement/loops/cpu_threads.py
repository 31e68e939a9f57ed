"""A fixed number of CPU threads for torch, because it decides bits."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cpu_threads(num_threads: int) -> Iterator[None]:
    """Run with this many CPU threads, whatever the machine has.

    torch cuts tensors at thread borders and rounds differently there, so the number decides bits.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
