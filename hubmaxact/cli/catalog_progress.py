"""How far a catalog's build has come, on stderr: a bar for people, a line now and then for logs."""

from time import monotonic
from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from hubmaxact.catalog.build import Watcher
from hubmaxact.cli.progress import console

EVERY = 30.0  # seconds between two lines of a log


class BuildProgress(Watcher):
    """Shows a build; use it as a context manager."""

    def __init__(self) -> None:
        self.console = console(stderr=True)
        self.bar = Progress(
            TextColumn("Reading reports"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=self.console,
            disable=not self.console.is_terminal,
            transient=True,
        )
        self.task = self.bar.add_task("Reading", total=None)
        self.done = 0
        self.began = self.said = monotonic()

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
        """So many sources will be read."""
        self.total = total
        self.bar.reset(self.task, total=total)
        self.began = self.said = monotonic()

    def step(self) -> None:
        """Count one source."""
        self.done += 1
        self.bar.advance(self.task)
        now = monotonic()
        if not self.console.is_terminal and now - self.said >= EVERY:
            left = (now - self.began) / self.done * (self.total - self.done)
            self.console.print(f"{self.done}/{self.total} reports, about {left:.0f} s left")
            self.said = now
