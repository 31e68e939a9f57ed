"""What processes find each other by: the store of torch.distributed, in torchrun or in rank 0."""

import os
from contextlib import suppress
from datetime import timedelta

from torch.distributed import (  # type: ignore[attr-defined] # public all the same
    PrefixStore,
    Store,
    TCPStore,
)

from hubmaxact.measurement.distributed.failure import Failure
from hubmaxact.measurement.distributed.launched import Launched

KEY = "failure"
PATIENCE = timedelta(seconds=5)
OF_TORCHRUN = "TORCHELASTIC_USE_AGENT_STORE"
RESTARTS = "TORCHELASTIC_RESTART_COUNT"


def connect(place: Launched, patience: timedelta) -> Store:
    """Connect with the store; rank 0 opens it unless torchrun has.

    Args:
        place: Of this process.
        patience: How long to wait for it, and for what others put there.

    Returns:
        The store, without what an earlier start of the same processes left.

    Raises:
        RuntimeError: It cannot be opened or reached; torch says why.
    """
    opens = place.rank == 0 and os.environ.get(OF_TORCHRUN) != "True"
    return _connected(place, patience, opens=opens)


class Claim:
    """Which of several failures is the first.

    Where one thing is wrong for all processes, such as a folder that is not there, all fail at
    once, and one alone is to say so. It has a connection that nothing else waits on.

    Args:
        place: Of this process.
        patience: How long to wait for the store to answer a first time. Later it may be gone, and
            soon answers or never.
    """

    def __init__(self, place: Launched, patience: timedelta) -> None:
        self._store = _connected(place, patience, opens=False)
        self._store.set_timeout(PATIENCE)

    def first(self, failure: Failure) -> Failure:
        """Claim to be the first to tell of a failure.

        Args:
            failure: What happened, as far as this process knows.

        Returns:
            What happened first; the failure itself where nobody is left to ask.
        """
        with suppress(RuntimeError):  # torch's own: the process that held the store is gone
            said = self._store.compare_set(KEY, "", failure.encoded().decode("ascii"))
            return Failure.decoded(said)
        return failure


def _connected(place: Launched, patience: timedelta, *, opens: bool) -> Store:
    store = TCPStore(
        place.address,
        place.port,
        is_master=opens,
        timeout=patience,
        wait_for_workers=False,  # who is missing is told by name afterwards
        multi_tenant=opens,
    )
    return PrefixStore(f"hubmaxact/{os.environ.get(RESTARTS, '0')}", store)
