"""This process as one of several: they find each other, and end together."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from socket import socket
from time import time

import torch.distributed as dist
from torch.distributed import Store  # type: ignore[attr-defined] # public all the same

from hubmaxact.errors import HubmaxactError
from hubmaxact.measurement.distributed.callers import Listener, call
from hubmaxact.measurement.distributed.end_with import end_with
from hubmaxact.measurement.distributed.ending import EndedError, Ending
from hubmaxact.measurement.distributed.exchange import Exchange
from hubmaxact.measurement.distributed.failure import Failure
from hubmaxact.measurement.distributed.group import Group
from hubmaxact.measurement.distributed.launched import Launched
from hubmaxact.measurement.distributed.launcher_summary import write_summary
from hubmaxact.measurement.distributed.lifeline import Lifeline
from hubmaxact.measurement.distributed.store import Claim, connect
from hubmaxact.printable import printable

JOINING = timedelta(minutes=10)
"""For the others to come: all start together, and a slow disk may take its time over torch."""

EXCHANGING = timedelta(days=3650)
"""Longer than any run: who is slow is waited for, and of who is dead the lifeline tells."""

KEY = "lifeline"
LONGEST_REASON = 300  # characters of what torch says


class JoinError(HubmaxactError):
    """Raised when processes that were to be started together do not find each other."""

    def __init__(self, place: Launched, reason: str) -> None:
        super().__init__(
            f"the {place.size} processes do not find each other at {printable(place.address)}, "
            f"port {place.port}: {reason}. Start all of them at once, and see that every machine "
            "reaches that host (GLOO_SOCKET_IFNAME names a network, where there are several)."
        )


@contextmanager
def joined(place: Launched, end: Ending) -> Iterator[Group]:
    """Find the other processes; what ends the block early in one of them ends it in all.

    Args:
        place: Of this process among them.
        end: Ends this process.

    Yields:
        The group.

    Raises:
        JoinError: They do not find each other.
        LostRankError: Another process is gone.
    """
    with _torch_told(place):
        store = connect(place, JOINING)
        claim = Claim(place, JOINING)
        found = _connections(place, store)
    lifeline = Lifeline(found, place, claim, partial(end_with, place, end))
    try:
        _require_all(place, found)
        with _torch_told(place), _nothing_on_standard_output():
            dist.init_process_group(
                "gloo", store=store, rank=place.rank, world_size=place.size, timeout=EXCHANGING
            )
        yield Exchange(place)
    except BaseException as error:
        _tell(error, place, claim, lifeline, end)
        raise
    finally:
        lifeline.close()
    dist.destroy_process_group()


def _connections(place: Launched, store: Store) -> dict[int, socket]:
    """Of rank 0 to all others that came, of the others to rank 0."""
    patience = JOINING.total_seconds()
    if place.rank:
        return call(place.address, store.get(KEY).decode("ascii"), place.rank, patience)
    listener = Listener()
    store.set(KEY, listener.known)
    return listener.callers(place.size, patience)


def _require_all(place: Launched, found: Collection[int]) -> None:
    missing = set(range(1, place.size)) - set(found) if place.rank == 0 else ()
    if missing:
        ranks = ", ".join(map(str, sorted(missing)))
        raise JoinError(place, f"of rank {ranks} nothing was heard")


def _tell(
    error: BaseException, place: Launched, claim: Claim, lifeline: Lifeline, end: Ending
) -> None:
    """Tell the others what ends this process; it ends without a word where another came first."""
    own = Failure.of(error, place)
    end.end_myself(own.code)
    # Who was told to end claims nothing: all others were too, or the cause is about to be heard.
    is_told = isinstance(error, EndedError) or lifeline.failure is not None
    first = lifeline.settle(own if is_told else claim.first(own))
    end.code = first.code
    if first != own:
        raise EndedError(first.code) from None
    if not isinstance(error, EndedError):
        write_summary(own.told, time())


@contextmanager
def _torch_told(place: Launched) -> Iterator[None]:
    """Turn what torch and the network say into a sentence."""
    try:
        yield
    except (RuntimeError, OSError) as error:
        words = " ".join(str(error).split()).rstrip(".")
        raise JoinError(place, printable(words, LONGEST_REASON)) from error


@contextmanager
def _nothing_on_standard_output() -> Iterator[None]:
    """Let gloo, which greets on standard output in some versions, do so on standard error."""
    try:
        kept = os.dup(1)
    except OSError:  # closed
        yield
        return
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
