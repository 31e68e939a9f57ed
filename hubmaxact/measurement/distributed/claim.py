"""Which of several failures is the first, as the store of torch.distributed has it.

Where one thing is wrong for all processes, such as a folder that is not there, all fail at once,
and one alone is to say so.
"""

import os
from contextlib import suppress
from datetime import timedelta

from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined] # public all the same

from hubmaxact.measurement.distributed.failure import Failure
from hubmaxact.measurement.distributed.launched import Launched

KEY = "failure"
PATIENCE = timedelta(seconds=5)


class Claim:
    """A connection to the store that nothing else waits on.

    Args:
        place: Of this process.
    """

    def __init__(self, place: Launched) -> None:
        store = TCPStore(
            place.address,
            place.port,
            is_master=False,
            timeout=PATIENCE,
            wait_for_workers=False,
        )
        self._store = PrefixStore(prefix(), store)

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


def prefix() -> str:
    """How keys of this run begin: torchrun may start all processes again, over the same store."""
    return f"hubmaxact/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
