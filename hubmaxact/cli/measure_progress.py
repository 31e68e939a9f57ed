"""Progress of a measurement on stderr: stages as they begin, then a bar with the time left."""

from collections.abc import Sequence

from hubmaxact.cli.progress_bar import Bar
from hubmaxact.cli.stage_times import StageTimes
from hubmaxact.measurement.batch_plan import Batch, Plan
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.printable import counted


class RichWatcher(Bar, Watcher):
    """Shows a run to a person."""

    def __init__(self) -> None:
        super().__init__("Measuring", "batch", "batches", first=3, sizes="tokens")
        self.share = 1.0  # of a batch's positions that are tokens, and not padding
        self.times = StageTimes()
        self.times.begin("Finding the checkpoint")

    def stage(self, sentence: str) -> None:
        """Print what begins."""
        self.times.begin(sentence)
        self.console.print(f"{sentence} ...")

    def note(self, sentence: str) -> None:
        """Print what was left aside, in one line."""
        self.console.print(f"Note: {sentence}", soft_wrap=True)

    def planned(self, plan: Plan, num_sites: int, num_tokens: int) -> None:
        """Print what will be done."""
        sentence = (
            f"Measuring {counted(num_sites, 'site')} over {counted(num_tokens, 'token')} in "
            f"{counted(len(plan.batches), 'batch', 'batches')}"
        )
        self.times.begin(sentence)
        self.console.print(sentence)
        self.share = num_tokens / max(1, sum(map(_positions, plan.batches)))
        self.begin(len(plan.batches), num_tokens)

    def dealt(self, batches: Sequence[Batch]) -> None:
        """Print how many run here, and begin the bar again."""
        self.console.print(f"{counted(len(batches), 'batch', 'batches')} of them here and now")
        self.begin(len(batches), sum(map(_positions, batches)) * self.share)

    def planned_again(self, batches: Sequence[Batch], num_passes: int) -> None:
        """Print what will be done, and begin the bar again."""
        sentence = (
            f"Running the evaluation texts {counted(num_passes, 'time')} in "
            f"{counted(len(batches), 'batch', 'batches')}, unrounded and rounded"
        )
        self.times.begin(sentence)
        self.console.print(sentence)
        positions = num_passes * sum(map(_positions, batches))
        self.begin(num_passes * len(batches), positions * self.share)

    def batch_done(self, batch: Batch) -> None:
        """Move the bar by the batch's share of the tokens."""
        self.step(_positions(batch) * self.share)


def _positions(batch: Batch) -> int:
    """Padding included: what a batch takes, its time among it, follows from these."""
    return len(batch.samples) * batch.length
