"""A connection from every process to rank 0, which breaks the moment that either of them dies.

torch.distributed tells of a dead process only those that exchange something with it. The system
closes what a process held open, however it ended: at once, and never of one that is only slow or
stopped, which a beating heart could not tell from a dead one. Each process says one line over it,
when it fails or is done.
"""

import os
import selectors
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from hubmaxact.measurement.distributed.failure import Failure
from hubmaxact.measurement.distributed.launched import Launched
from hubmaxact.measurement.distributed.store import Claim

DONE = b"done"
LONGEST = 65_536  # bytes of a line
TORCHRUN = "TORCHELASTIC_RUN_ID"  # a variable that torchrun sets
POLLED = 1.0  # seconds between two looks at torchrun
KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""A machine that lost its power or its network closes nothing, so it is asked, so often and after
so many seconds. Its system answers, also for a process that is busy or stopped.
"""


class Lifeline:
    """Hears in a thread how other processes end, and tells them how this one does.

    Args:
        connections: By rank: on rank 0 all others, on the others rank 0 alone.
        place: Of this process.
        claim: Knows what came first.
        told: Called in the thread with what ended another process; once at most.
    """

    def __init__(
        self,
        connections: Mapping[int, socket.socket],
        place: Launched,
        claim: Claim,
        told: Callable[[Failure], None],
    ) -> None:
        self._connections = dict(connections)
        self._place, self._claim, self._told = place, claim, told
        is_watching = place.local_rank == 0 and TORCHRUN in os.environ
        self._parent = os.getppid() if is_watching else None
        self._lock = threading.Lock()
        self._is_closed = False
        self.failure: Failure | None = None
        for connection in connections.values():
            _keep_alive(connection)
        threading.Thread(target=self._watch, name="hubmaxact-lifeline", daemon=True).start()

    def settle(self, failure: Failure) -> Failure:
        """Tell the others that a failure ends all; the first one that is settled here stays.

        Args:
            failure: What happened.

        Returns:
            What all end with.
        """
        with self._lock:
            if self.failure is None:
                self.failure = failure
                self._say(failure.encoded())
        return self.failure

    def close(self) -> None:
        """Say that this process is done, and hear no more."""
        self._is_closed = True
        with self._lock:
            if self.failure is None:
                self._say(DONE)
        for connection in self._connections.values():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _say(self, line: bytes) -> None:
        for connection in self._connections.values():
            with suppress(OSError):  # gone, as will be heard
                connection.sendall(line + b"\n")

    def _watch(self) -> None:
        """Wait until all others are done, or one is not."""
        with selectors.DefaultSelector() as selector:
            for rank, connection in self._connections.items():
                selector.register(connection, selectors.EVENT_READ, (rank, bytearray()))
            while selector.get_map() and self.failure is None:
                self._judge_launcher()
                for key, _ in selector.select(POLLED):
                    rank, heard = key.data
                    if _has_ended(key.fileobj, heard):
                        selector.unregister(key.fileobj)
                        self._judge(rank, bytes(heard).partition(b"\n")[0])

    def _judge_launcher(self) -> None:
        """Of torchrun, which takes its processes with it unless it is killed itself."""
        if self._parent is not None and os.getppid() != self._parent:
            self._parent = None
            self._end(Failure.launcher_lost(self._place))

    def _judge(self, rank: int, last: bytes) -> None:
        """Of what a process said last, and of who said nothing."""
        if last == DONE or self._is_closed or self.failure is not None:
            return
        try:
            failure = Failure.decoded(last)
        except (ValueError, TypeError):
            failure = Failure.lost(rank, self._place)
            if rank:  # the store may be gone with rank 0, and all who are left know who tells
                failure = self._claim.first(failure)
        else:
            if failure.teller == self._place.rank:  # claimed by the main thread, which tells it
                return
        self._end(failure)

    def _end(self, failure: Failure) -> None:
        """Unless this process ends already; rank 0 so says on what it hears."""
        if self.settle(failure) == failure:
            self._told(failure)


def _has_ended(connection: Any, heard: bytearray) -> bool:
    """Read on; whether a line is whole, or nothing will follow."""
    try:
        said = connection.recv(LONGEST)
    except OSError:  # reset
        said = b""
    heard += said
    return not said or b"\n" in heard or len(heard) > LONGEST


def _keep_alive(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):  # other systems have other names for them
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
