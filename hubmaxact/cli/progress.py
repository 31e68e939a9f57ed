"""Progress on stderr: stages as they begin, then a bar with the time left."""

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

from hubmaxact.plan import Batch, Plan
from hubmaxact.prepare import Watcher


def console(*, stderr: bool) -> Console:
    """A console that neither guesses highlights nor trusts markup in what it prints."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


class RichWatcher(Watcher):
    """Shows a run to a person; on a pipe it prints lines instead of a bar."""

    def __init__(self) -> None:
        self.console = console(stderr=True)
        self.bar = Progress(
            TextColumn("Measuring"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("batches"),
            TimeElapsedColumn(),
            TextColumn("elapsed,"),
            TimeRemainingColumn(elapsed_when_finished=False),
            TextColumn("left"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task("Measuring", total=None, visible=False)
        self.lines = _Lines(self.console)

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

    def stage(self, sentence: str) -> None:
        """Print what begins."""
        self.console.print(f"{sentence} ...")

    def planned(self, plan: Plan, num_sites: int, num_tokens: int) -> None:
        """Print what will be done."""
        self.console.print(
            f"Measuring {num_sites} sites over {num_tokens:,} tokens in {len(plan.batches)} batches"
        )
        self.bar.reset(self.task, total=len(plan.batches), visible=True)
        self.lines.start(len(plan.batches))

    def batch_done(self, batch: Batch) -> None:  # noqa: ARG002 the watcher's signature
        """Move the bar; without a terminal, print a line now and then."""
        self.bar.advance(self.task)
        if not self.console.is_terminal:
            self.lines.step()


class _Lines:
    """The time left as plain lines, for logs: after the first batches, then every 30 seconds."""

    EVERY = 30.0  # seconds
    FIRST = 3  # batches

    def __init__(self, console: Console) -> None:
        self.console = console
        self.done = self.total = 0
        self.began = self.said = 0.0

    def start(self, total: int) -> None:
        """Begin to count."""
        from time import monotonic

        self.done, self.total = 0, total
        self.began = self.said = monotonic()

    def step(self) -> None:
        """Count one batch."""
        from time import monotonic

        self.done += 1
        now = monotonic()
        first = self.done == min(self.FIRST, self.total)
        if first or now - self.said >= self.EVERY:
            left = (now - self.began) / self.done * (self.total - self.done)
            self.console.print(f"{self.done}/{self.total} batches, about {left:.0f} s left")
            self.said = now
