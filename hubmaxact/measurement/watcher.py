"""Who hears how a run goes."""

from hubmaxact.measurement.batch_plan import Batch, Plan


class Watcher:
    """Hears how a run goes; the command line shows it, a library may ignore it."""

    def stage(self, sentence: str) -> None:
        """A step begins."""

    def note(self, sentence: str) -> None:
        """Something was left aside, or was made in one of several ways: its user should know."""

    def planned(self, plan: Plan, num_sites: int, num_tokens: int) -> None:
        """The run is about to start."""

    def batch_done(self, batch: Batch) -> None:
        """A batch is in the statistics."""
