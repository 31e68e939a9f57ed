"""When to save, so that it costs a hundredth of a run; and a save that fails ends nothing.

The first save is due at once: a machine that is taken away again and again gets further each time.
From then on one is due when it and all before it would be a hundredth of the time that has passed.
"""

import time
from collections.abc import Callable

from hubmaxact.files import WriteError
from hubmaxact.measurement.state.state_file import KeptState

SHARE = 100
"""One second of saving in so many of the run."""


class SaveTimes:
    """Saves a state when that is due.

    Args:
        save: Writes it: `StateFolder.save`, or `write_state` to a place of that folder.
        failed: Told why a save failed, once until one succeeds again.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        save: Callable[[KeptState], None],
        failed: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._save, self._failed, self._clock = save, failed, clock
        self._begin = clock()
        self._spent = self._last = 0.0
        self._is_failing = False

    @property
    def is_due(self) -> bool:
        """Whether a save would now cost no more than it may."""
        return SHARE * (self._spent + self._last) <= self._clock() - self._begin

    def when_due(self, make: Callable[[], KeptState]) -> bool:
        """Save if that is due.

        Args:
            make: Gives the state; it is asked only then, and its time counts.

        Returns:
            Whether the state is on disk.
        """
        return self.is_due and self.now(make)

    def now(self, make: Callable[[], KeptState]) -> bool:
        """Save, as at Ctrl-C.

        Args:
            make: Gives the state; its time counts.

        Returns:
            Whether the state is on disk; if not, the one that was saved before is.
        """
        begin = self._clock()
        try:
            self._save(make())
        except WriteError as error:
            if not self._is_failing:
                self._failed(str(error))
            self._is_failing = True
        else:
            self._is_failing = False
        self._last = self._clock() - begin
        self._spent += self._last
        return not self._is_failing
