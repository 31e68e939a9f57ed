"""The processes of one run. Knows nothing of batches and statistics: they tell each other bytes."""

from typing import Protocol


class Group(Protocol):
    """The processes of one run, as one of them sees them.

    All ask for every exchange, in the same order. One that waits does so for as long as the others
    live.
    """

    @property
    def rank(self) -> int:
        """The number of this process, from 0; that one writes the report."""

    @property
    def size(self) -> int:
        """How many there are."""

    @property
    def local_rank(self) -> int:
        """The number of this process among those of its machine, from 0."""

    def gather(self, content: bytes) -> list[bytes] | None:
        """Bring what each process has to rank 0.

        Args:
            content: What this one has, of any length.

        Returns:
            On rank 0 what all have, in the order of their ranks. None: elsewhere.
        """

    def broadcast(self, content: bytes | None) -> bytes:
        """Tell all processes what rank 0 has.

        Args:
            content: That; None elsewhere.

        Returns:
            The same everywhere.
        """


class Alone:
    """One process."""

    rank, size, local_rank = 0, 1, 0

    def gather(self, content: bytes) -> list[bytes]:
        """Return what this one has."""
        return [content]

    def broadcast(self, content: bytes | None) -> bytes:
        """Return it."""
        assert content is not None
        return content
