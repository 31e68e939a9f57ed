"""Somebody stops a run: what is running is brought to an end, and then the run."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED = 128
"""Shells add the number of a signal to it."""


class StopRequest:
    """Whether somebody asked a run to stop: Ctrl-C, or whoever takes the machine away."""

    def __init__(self) -> None:
        self.exit_code: int | None = None  # of a run that was asked to; None: nobody has

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note SIGINT or SIGTERM while the block runs; SIGINT interrupts it the second time.

        In another thread than the main one nothing is noted: signals do not reach it.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self._note) for each in SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 a handler's
        if self.exit_code is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.exit_code = self.exit_code or STOPPED + number


SIGNALS = (signal.SIGINT, signal.SIGTERM)
