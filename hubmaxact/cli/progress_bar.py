"""How far something has come, on stderr: a bar for people, a line now and then for logs."""

import errno
import os
from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

EVERY = 30.0  # seconds between two lines of a log


class Plain(Console):
    """A console that ends where nobody reads it as the commands do, and not as if they failed."""

    def on_broken_pipe(self) -> None:
        """Leave it to whoever writes; Rich itself would exit with 1, which is an answer here."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def console(*, stderr: bool) -> Console:
    """A console that neither guesses highlights nor trusts markup in what it prints."""
    return Plain(stderr=stderr, highlight=False, markup=False, emoji=False)


class Bar:
    """Counts steps of one kind; use it as a context manager, and `begin` when the total is known.

    A log hears of the time left after the `first` steps, where that is given, and then regularly.
    """

    def __init__(self, doing: str, unit: str, units: str, *, first: int | None = None) -> None:
        self.one, self.unit, self.first = unit, units, first
        self.console = console(stderr=True)
        self.bar = Progress(
            TextColumn(doing),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TextColumn("elapsed,"),
            TimeRemainingColumn(elapsed_when_finished=False),
            TextColumn("left"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task(doing, total=None, visible=False, unit=units)
        self.done = self.total = 0
        self.began = self.said = 0.0

    def __enter__(self) -> Self:
        """Start the display."""
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the display, whatever happened."""
        self.bar.stop()

    def begin(self, total: int) -> None:
        """So many steps will follow, from now on."""
        self.done, self.total = 0, total
        self.began = self.said = monotonic()
        self.unit = self.one if total == 1 else self.unit
        self.bar.reset(self.task, total=total, visible=True, unit=self.unit)

    def step(self) -> None:
        """Count one step; without a terminal, print a line now and then."""
        self.done += 1
        self.bar.advance(self.task)
        if not self.console.is_terminal:
            self._tell(monotonic())

    def _tell(self, now: float) -> None:
        first = self.first is not None and self.done == min(self.first, self.total)
        if first or now - self.said >= EVERY:
            left = (now - self.began) / self.done * (self.total - self.done)
            self.console.print(f"{self.done}/{self.total} {self.unit}, about {left:.0f} s left")
            self.said = now
