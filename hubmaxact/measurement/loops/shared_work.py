"""Work of one tensor shared by several threads, whose loops run without the interpreter's lock.

Whoever is free takes the next piece, so a thread that is held up keeps no piece from the others.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import Generic, TypeVar

from hubmaxact.measurement.loops.team import on_team

Worker = TypeVar("Worker")
Piece = TypeVar("Piece")


class Left(Generic[Piece]):
    """What nobody has taken yet; safe to share between threads.

    Args:
        pieces: In any order.
    """

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._pieces, self._lock = iter(pieces), Lock()

    def __iter__(self) -> Iterator[Piece]:
        return self

    def __next__(self) -> Piece:
        with self._lock:
            return next(self._pieces)


def share(
    workers: Sequence[Worker], pieces: Iterable[Piece], work: Callable[[Worker, Piece], None]
) -> None:
    """Do each piece once, and return when all are done.

    On a busy machine a thread that has not begun when all pieces are taken is not waited for.

    Args:
        workers: Each owns what it writes into.
        pieces: In any order.
        work: One piece by one worker.
    """
    left = Left(pieces)

    def go_on(worker: Worker) -> None:
        for piece in left:
            work(worker, piece)

    _let(workers, go_on, _on_threads)


def together(workers: Sequence[Worker], work: Callable[[Worker], None]) -> None:
    """Let each worker work once between two operations of torch, and return when all have.

    Args:
        workers: Each owns what it writes into.
        work: By one worker, until nothing is left to do.
    """
    _let(workers, work, _on_torchs_threads)


def _let(
    workers: Sequence[Worker],
    work: Callable[[Worker], None],
    begin: Callable[[Callable[[], None], int], None],
) -> None:
    """Let each worker work once; threads that begin late find none left."""
    if len(workers) == 1:
        work(workers[0])
        return
    left, errors = Left(workers), list[BaseException]()

    def go_on() -> None:
        try:
            for worker in left:
                work(worker)
        except BaseException as error:  # noqa: BLE001 raised below, in the thread that asked
            errors.append(error)

    begin(go_on, len(workers))
    if errors:
        raise errors[0]


def _on_torchs_threads(work: Callable[[], None], number: int) -> None:
    """Which begin at once, where they can be had."""
    if not on_team(work):
        _on_threads(work, number)


def _on_threads(work: Callable[[], None], number: int) -> None:
    """By threads that are kept, since starting one takes as long as reading a small tensor."""
    begun = [_threads().submit(work) for _ in range(number - 1)]
    work()
    for each in begun:
        if not each.cancel():
            each.result()


@cache
def _threads() -> ThreadPoolExecutor:
    """Started as they are needed."""
    return ThreadPoolExecutor(os.cpu_count())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # it has none of its parent's threads
