"""How a run goes, told by the process that runs it, and heard by the one that waits for it."""

from collections.abc import Sequence
from typing import Any

from hubmaxact.confinement.child import Tell
from hubmaxact.confinement.messages import Message
from hubmaxact.measurement.batch_plan import Batch, Plan, Split
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.printable import printable
from hubmaxact.report.deployment import MAX_SIDECAR_BYTES, SIDECARS

LONGEST = 600  # characters of a sentence


class Teller(Watcher):
    """Hears how a run goes and tells it to the other process.

    Args:
        tell: Writes a message.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def stage(self, sentence: str) -> None:
        """Tell what begins."""
        self._tell("stage", sentence)

    def note(self, sentence: str) -> None:
        """Tell what was left aside."""
        self._tell("note", sentence)

    def planned(self, plan: Plan, num_sites: int, num_tokens: int) -> None:
        """Tell the plan."""
        batches = [[batch.split, batch.samples, batch.length] for batch in plan.batches]
        self._tell("planned", batches, plan.digest, num_sites, num_tokens)

    def room_needed(self, num_bytes: int) -> None:
        """Tell what the files beside the report will take."""
        self._tell("room_needed", num_bytes)

    def planned_again(self, batches: Sequence[Batch], num_passes: int) -> None:
        """Tell which batches run again."""
        self._tell("planned_again", [batch.index for batch in batches], num_passes)

    def batch_done(self, batch: Batch) -> None:
        """Tell which batch is done."""
        self._tell("batch_done", batch.index)


class Hearer:
    """Passes on what a `Teller` tells, held to what it can be.

    Args:
        watcher: Hears of it.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._batches: list[Batch] = []

    def heard(self, message: Message) -> bool:
        """Pass a message on.

        Args:
            message: Of a process that may tell anything.

        Returns:
            Whether it was about how the run goes.

        Raises:
            TypeError: It is about that, and holds something else.
            ValueError: Likewise.
            LookupError: Likewise.
        """
        hear = getattr(self, f"_{message.kind}", None) if message.kind in KINDS else None
        if hear is None:
            return False
        hear(*message.values)
        return True

    def _stage(self, sentence: str) -> None:
        self._watcher.stage(printable(sentence, LONGEST))

    def _note(self, sentence: str) -> None:
        self._watcher.note(printable(sentence, LONGEST))

    def _planned(self, batches: list[Any], digest: str, num_sites: int, num_tokens: int) -> None:
        self._batches = [
            Batch(index, Split(split), tuple(map(_whole, samples)), _whole(length))
            for index, (split, samples, length) in enumerate(batches)
        ]
        plan = Plan(tuple(self._batches), printable(digest))
        self._watcher.planned(plan, _whole(num_sites), _whole(num_tokens))

    def _room_needed(self, num_bytes: int) -> None:
        # More is not taken from it either.
        self._watcher.room_needed(min(_whole(num_bytes), len(SIDECARS) * MAX_SIDECAR_BYTES))

    def _planned_again(self, indices: list[Any], num_passes: int) -> None:
        again = [self._batches[_whole(index)] for index in indices]
        self._watcher.planned_again(again, _whole(num_passes))

    def _batch_done(self, index: int) -> None:
        self._watcher.batch_done(self._batches[_whole(index)])


KINDS = ("stage", "note", "planned", "room_needed", "planned_again", "batch_done")


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 53:
        raise ValueError("not a whole number")
    return value
