"""Pieces of one tensor read by several threads at once.

Loops run without the interpreter's lock. Whoever is free takes the next piece, so a thread that is
held up, by those of a forward pass that still spin for example, holds up nobody else. Threads live
as long as one tensor is read: starting one is quick beside a piece, and nothing has to be closed.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

Worker = TypeVar("Worker")
Piece = TypeVar("Piece")


def share(
    workers: Sequence[Worker], pieces: Sequence[Piece], work: Callable[[Worker, Piece], None]
) -> None:
    """Do each piece once, and return when all are done.

    Args:
        workers: Each owns what it writes into; the first one works in the calling thread.
        pieces: In any order.
        work: One piece by one worker.
    """
    left = _Left(pieces)

    def go_on(worker: Worker) -> None:
        for piece in left:
            work(worker, piece)

    first, *others = workers
    if not others:
        go_on(first)
        return
    with ThreadPoolExecutor(len(others)) as threads:
        running = [threads.submit(go_on, worker) for worker in others]
        go_on(first)
        for each in running:
            each.result()


class _Left(Generic[Piece]):
    """Pieces that nobody has taken yet; safe to share between threads."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces, self._lock = iter(pieces), Lock()

    def __iter__(self) -> Iterator[Piece]:
        return self

    def __next__(self) -> Piece:
        with self._lock:
            return next(self._pieces)
