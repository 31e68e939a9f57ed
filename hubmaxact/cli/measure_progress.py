"""Progress of a measurement on stderr: stages as they begin, then a bar with the time left."""

from hubmaxact.cli.progress_bar import Bar
from hubmaxact.measurement.batch_plan import Batch, Plan
from hubmaxact.measurement.watcher import Watcher


class RichWatcher(Bar, Watcher):
    """Shows a run to a person."""

    def __init__(self) -> None:
        super().__init__("Measuring", "batches", first=3)

    def stage(self, sentence: str) -> None:
        """Print what begins."""
        self.console.print(f"{sentence} ...")

    def note(self, sentence: str) -> None:
        """Print what was left aside, in one line."""
        self.console.print(f"Note: {sentence}", soft_wrap=True)

    def planned(self, plan: Plan, num_sites: int, num_tokens: int) -> None:
        """Print what will be done."""
        self.console.print(
            f"Measuring {num_sites} sites over {num_tokens:,} tokens in {len(plan.batches)} batches"
        )
        self.begin(len(plan.batches))

    def batch_done(self, batch: Batch) -> None:  # noqa: ARG002 the watcher's signature
        """Move the bar."""
        self.step()
