"""Pieces of one tensor worked on by several threads at once.

Loops run without the interpreter's lock. Whoever is free takes the next piece, so a thread that is
held up, by those of a forward pass that still spin for example, holds up nobody else; one that has
not begun when all pieces are taken is not waited for. Threads are kept from one tensor to the next,
since starting one takes as long as reading a small tensor.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
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
    begun = [_threads().submit(go_on, worker) for worker in others]
    try:
        go_on(first)
    finally:
        for each in begun:
            if not each.cancel():
                each.result()


@cache
def _threads() -> ThreadPoolExecutor:
    """Started as they are needed."""
    return ThreadPoolExecutor(os.cpu_count())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # it has none of its parent's threads


class _Left(Generic[Piece]):
    """Pieces that nobody has taken yet; safe to share between threads."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces, self._lock = iter(pieces), Lock()

    def __iter__(self) -> Iterator[Piece]:
        return self

    def __next__(self) -> Piece:
        with self._lock:
            return next(self._pieces)
