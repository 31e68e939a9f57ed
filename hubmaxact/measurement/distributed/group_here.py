"""The group that this process was started in."""

from collections.abc import Iterator
from contextlib import contextmanager

from hubmaxact.measurement import libraries
from hubmaxact.measurement.distributed.ending import ending
from hubmaxact.measurement.distributed.group import Alone, Group
from hubmaxact.measurement.distributed.launched import launched


@contextmanager
def group_here() -> Iterator[Group]:
    """Join the processes that torchrun, or its like, started together with this one.

    What ends the block early in one process ends all of them: it is told by the one that it
    happened in, and the others end without a word and with the same exit code.

    Yields:
        The group; `Alone` where this process was started alone, and torch is not loaded then.

    Raises:
        LaunchError: The environment says half of what is needed, or nonsense.
        JoinError: Others that were to be started did not come.
        LostRankError: Another process is gone.
    """
    place = launched()
    if place is None:
        yield Alone()
        return
    with ending() as end:
        with libraries.importing():
            from hubmaxact.measurement.distributed.joined import joined

        with joined(place, end) as group:
            yield group
