"""Who hears how a run goes."""

from collections.abc import Sequence

from hubmaxact.measurement.batch_plan import Batch, Plan


class Watcher:
    """Hears how a run goes; the command line shows it, a library may ignore it."""

    def stage(self, sentence: str) -> None:
        """A step begins."""

    def note(self, sentence: str) -> None:
        """Something was left aside, or was made in one of several ways: its user should know."""

    def planned(self, plan: Plan, num_sites: int, num_tokens: int) -> None:
        """The run is about to start."""

    def dealt(self, batches: Sequence[Batch]) -> None:
        """Only these batches run here: the others did before, or fall to somebody else."""

    def planned_again(self, batches: Sequence[Batch], num_passes: int) -> None:
        """Some batches are about to run again, so many times; each is told as done each time."""

    def batch_done(self, batch: Batch) -> None:
        """A batch is in the statistics, or has been through one pass with rounding or without."""
