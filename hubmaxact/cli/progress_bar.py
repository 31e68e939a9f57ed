"""How far something has come, on stderr: a bar for people, a line now and then for logs."""

import errno
import os
from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

EVERY = 30.0  # seconds between two lines of a log
SHORTEST = 1e-9  # seconds, or steps' sizes: nothing is divided by zero


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
    Where steps differ in size, the time left follows from sizes; `sizes` names what they count,
    and how many of those a second takes is shown.
    """

    def __init__(
        self, doing: str, unit: str, units: str, *, first: int | None = None, sizes: str = ""
    ) -> None:
        self.one, self.unit, self.first, self.sizes = unit, units, first, sizes
        self.units = units
        self.console = console(stderr=True)
        self.bar = Progress(
            TextColumn(doing),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[said]}"),
            TimeElapsedColumn(),
            TextColumn("elapsed,"),
            TimeRemainingColumn(elapsed_when_finished=False),
            TextColumn("left"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task(doing, total=None, visible=False, said="")
        self.done = self.total = 0
        self.size_done = self.size = 0.0
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

    def end(self) -> None:
        """Stop the display: what follows is printed below it."""
        self.bar.stop()

    def begin(self, total: int, size: float | None = None) -> None:
        """So many steps will follow, from now on; together of that size, or else all alike."""
        self.done, self.total = 0, total
        self.size_done, self.size = 0.0, float(total if size is None else size)
        self.began = self.said = monotonic()
        self.unit = self.one if total == 1 else self.units
        self.bar.reset(self.task, total=self.size, visible=True, said=self._come_so_far())

    def step(self, size: float = 1.0) -> None:
        """Count one step; without a terminal, print a line now and then."""
        self.done += 1
        self._forward(
            size, first=self.first is not None and self.done == min(self.first, self.total)
        )

    def move(self, size: float) -> None:
        """Show a part of a step; whoever counts the step tells the rest of its size."""
        self._forward(size, first=False)

    def _forward(self, size: float, *, first: bool) -> None:
        self.size_done += size
        self.bar.update(self.task, completed=self.size_done, said=self._come_so_far())
        if not self.console.is_terminal:
            self._tell(monotonic(), first=first)

    def _come_so_far(self) -> str:
        """Steps of all, and how fast they go."""
        steps = f"{self.done:{len(str(self.total))}}/{self.total} {self.unit}"
        if not self.sizes or not self.size_done:
            return steps
        speed = self.size_done / max(monotonic() - self.began, SHORTEST)
        return f"{steps}, {speed:,.0f} {self.sizes}/s"

    def _tell(self, now: float, *, first: bool) -> None:
        if first or now - self.said >= EVERY:
            left = (now - self.began) / max(self.size_done, SHORTEST) * (self.size - self.size_done)
            self.console.print(f"{self._come_so_far().lstrip()}, about {left:.0f} s left")
            self.said = now
