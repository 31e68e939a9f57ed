"""How a process ends because it is told to, or because another one failed.

By an exception in its main thread, so that whatever it holds is put away as after any error; and
if that takes too long, because a step of torch's takes long, without ceremony.
"""

import _thread
import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from types import FrameType

PATIENCE = 8.0
"""Seconds for files to be put away, and for what was said to be written."""

STOPPING = 25.0
"""Seconds where somebody stopped all, for a batch to end and be kept; torchrun itself gives 30."""

AGAIN = 0.5  # seconds

SIGTERM_CODE = 128 + signal.SIGTERM  # as shells count
STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM)
STOPPED = (128 + signal.SIGINT, SIGTERM_CODE)


class EndedError(SystemExit):
    """Raised in the main thread, wherever it is; it ends the process without a word."""


class Ending:
    """Ends this process, from any thread."""

    def __init__(self) -> None:
        self.code: int | None = None  # when it is sure
        self.is_heard = False  # whether a signal raises in the main thread
        # What is registered later, as all of torch's, comes before it.
        atexit.register(self._leave)

    def end(self, code: int) -> None:
        """End this process, whatever its main thread does.

        Args:
            code: The exit code.
        """
        self.code = code
        self._wake()
        self._make_sure(code)

    def end_myself(self, code: int) -> None:
        """Let the main thread end as it does already; no signal breaks it off any more.

        Whoever started the processes ends the others as soon as one does, and one of them has yet
        to say why.

        Args:
            code: The exit code.
        """
        if self.is_heard:
            _hear_no_more()
        self._make_sure(code)

    def heard(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 as signals call
        """Raise in the main thread, once: what puts files away is not broken off."""
        _hear_no_more()
        raise EndedError(SIGTERM_CODE if self.code is None else self.code)

    def interrupted(self, number: int, frame: FrameType | None) -> None:
        """The same where somebody interrupts all, which tell each other meanwhile."""
        _hear_no_more()
        self._make_sure(128 + number)
        signal.default_int_handler(number, frame)

    def _make_sure(self, code: int) -> None:
        self.code = code
        threading.Thread(target=self._leave_late, daemon=True).start()

    def _leave_late(self) -> None:
        until = monotonic() + (STOPPING if self.code in STOPPED else PATIENCE)
        while monotonic() < until:
            sleep(AGAIN)
            self._wake()  # a signal that comes just before a sleep does not wake from it
        self._leave()

    def _wake(self) -> None:
        """Raise in the main thread, between two steps of Python; one that sleeps is woken."""
        main = threading.main_thread().ident
        if not self.is_heard or main is None:
            return
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(main, signal.SIGTERM)
        else:
            _thread.interrupt_main(signal.SIGTERM)

    def _leave(self) -> None:
        """Leave without ceremony: gloo's threads may still wait for others, and would abort."""
        if self.code is None:
            return
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # nothing keeps it alive now
                stream.flush()
        os._exit(self.code)


@contextmanager
def ending() -> Iterator[Ending]:
    """Let SIGTERM and Ctrl-C end the block by an exception, and only the first of them.

    Yields:
        What ends the process for other reasons too.
    """
    end = Ending()
    if threading.current_thread() is not threading.main_thread():  # it alone hears signals
        yield end
        return
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, end.heard)}
    # Who was started in the background ignores it, and goes on to.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, end.interrupted)
    end.is_heard = True
    try:
        yield end
    finally:
        end.is_heard = False
        for number, handler in before.items():
            signal.signal(number, handler if end.code is None else signal.SIG_IGN)


def _hear_no_more() -> None:
    for number in STOPPING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
