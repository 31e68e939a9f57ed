"""Why a run of several processes ends early, as its processes tell each other."""

import json
from dataclasses import asdict, dataclass
from typing import Self

from hubmaxact.errors import HubmaxactError
from hubmaxact.measurement.distributed.launched import Launched
from hubmaxact.measurement.failures.lacking import lacking
from hubmaxact.printable import printable

LONGEST = 4000  # characters of a sentence
LOST = (
    "it ended without a word, as a process does that is killed, often because memory ran out. "
    "Free some, or start fewer processes on its machine."
)
INTERRUPTED, UNREAD = 130, 141  # as shells count signals
MACHINES = (OSError, MemoryError, ImportError)
"""What is raised where a machine lacks something; anything else is a bug."""
LAUNCHER_LOST = "torchrun, which started it, was killed."


class LostRankError(HubmaxactError):
    """Raised when another process of the run is gone, and did not say why."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What ended one process, and so ends all.

    Attributes:
        rank: The process that it happened in.
        code: The exit code of all.
        sentence: What happened.
        teller: The process that tells it on standard error.
        machine: The teller's.
    """

    rank: int
    code: int
    sentence: str
    teller: int
    machine: str

    @classmethod
    def of(cls, error: BaseException, place: Launched) -> Self:
        """Describe what was raised in this process.

        Args:
            error: What was raised.
            place: Of this process.

        Returns:
            The failure.
        """
        code, sentence = _described(error)
        return cls(
            place.rank, code, printable(sentence, LONGEST), place.rank, printable(place.machine)
        )

    @classmethod
    def lost(cls, rank: int, place: Launched) -> Self:
        """Describe a process that is gone without a word.

        Args:
            rank: Its rank.
            place: Of this process, which found it gone.

        Returns:
            The failure. That of rank 0 all others find, and those of one machine tell it once.
        """
        teller, machine = (place.rank, printable(place.machine)) if rank else (1, "")
        return cls(rank, LostRankError.exit_code, LOST, teller, machine)

    @classmethod
    def launcher_lost(cls, place: Launched) -> Self:
        """Describe that what started this process is gone."""
        code = LostRankError.exit_code
        return cls(place.rank, code, LAUNCHER_LOST, place.rank, printable(place.machine))

    @property
    def told(self) -> str:
        """The sentence, with the rank that it is of."""
        return f"rank {self.rank}: {self.sentence}"

    def encoded(self) -> bytes:
        """One line, without its end."""
        return json.dumps(asdict(self)).encode("ascii")

    @classmethod
    def decoded(cls, line: bytes) -> Self:
        """Read such a line; ValueError or TypeError if it is none."""
        return cls(**json.loads(line))


def _described(error: BaseException) -> tuple[int, str]:
    """Exit code and sentence, as the command line has them."""
    words = " ".join(str(error).split())
    if isinstance(error, HubmaxactError):
        return error.exit_code, words
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "interrupted."
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else 1
        return code, f"it ended with exit code {code}."
    if isinstance(error, BrokenPipeError):
        return UNREAD, "nobody reads what it prints."
    if isinstance(error, MACHINES) and (sentence := lacking(error)):
        return HubmaxactError.exit_code, sentence
    return 1, f"{type(error).__name__}: {words or 'it says nothing more'}"
