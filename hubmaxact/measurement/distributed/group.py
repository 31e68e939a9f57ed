"""The processes of one run, as a run sees them."""

from typing import Protocol


class Group(Protocol):
    """Processes that measure one checkpoint together, each in a rank of its own.

    Every exchange is asked for by all of them, in the same order. One that waits does so for as
    long as the others live.
    """

    @property
    def rank(self) -> int:
        """The place of this process, from 0; rank 0 is the one that shows and writes."""

    @property
    def size(self) -> int:
        """How many processes there are."""

    @property
    def local_rank(self) -> int:
        """The place of this process among those of its machine, from 0."""

    def gather(self, content: bytes) -> list[bytes] | None:
        """Bring what every process has to rank 0.

        Args:
            content: What this one has, of any length.

        Returns:
            On rank 0 all contents, in the order of the ranks. On the others None.
        """

    def broadcast(self, content: bytes | None) -> bytes:
        """Bring what rank 0 has to every process.

        Args:
            content: On rank 0, what it has, of any length. On the others None.

        Returns:
            What rank 0 has.
        """


class Alone:
    """One process, which is what a run has unless it was started by torchrun or its like."""

    rank = 0
    size = 1
    local_rank = 0

    def gather(self, content: bytes) -> list[bytes] | None:
        """Return what there is."""
        return [content]

    def broadcast(self, content: bytes | None) -> bytes:
        """Return what there is."""
        assert content is not None
        return content
