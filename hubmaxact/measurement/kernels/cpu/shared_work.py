"""Pieces of one tensor read by several threads at once.

Loops run without the interpreter's lock. Whoever is free takes the next piece, so a thread that is
held up, by threads of a forward pass that still spin for example, holds up nobody else.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

Worker = TypeVar("Worker")
Piece = TypeVar("Piece")


class SharedWork(Generic[Worker]):
    """Workers that each own what they write into, the calling thread's first.

    Args:
        workers: At least one.
    """

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.workers = workers
        self._threads = ThreadPoolExecutor(max(1, len(workers) - 1))

    def run(self, work: Callable[[Worker, Piece], None], pieces: Sequence[Piece]) -> None:
        """Do each piece once, and return when all are done.

        Args:
            work: One piece by one worker.
            pieces: In any order.
        """
        left = _Left(pieces)

        def go_on(worker: Worker) -> None:
            for piece in left:
                work(worker, piece)

        first, *others = self.workers[: len(pieces)]
        running = [self._threads.submit(go_on, worker) for worker in others]
        go_on(first)
        for each in running:
            each.result()


class _Left(Generic[Piece]):
    """Pieces that nobody has taken yet; safe to share between threads."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._pieces, self._lock = iter(pieces), Lock()

    def __iter__(self) -> Iterator[Piece]:
        return self

    def __next__(self) -> Piece:
        with self._lock:
            return next(self._pieces)
