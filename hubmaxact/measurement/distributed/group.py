"""The processes of one run. Knows nothing of batches and statistics: they tell each other bytes."""

from typing import Protocol


class Group(Protocol):
    """The processes of one run, as one of them sees them."""

    @property
    def rank(self) -> int:
        """The number of this process, from 0; that one writes the report."""

    @property
    def size(self) -> int:
        """How many there are."""

    def gather(self, content: bytes) -> list[bytes] | None:
        """Bring what each process has to rank 0.

        Args:
            content: What this one has.

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

    rank, size = 0, 1

    def gather(self, content: bytes) -> list[bytes]:
        """Return what this one has."""
        return [content]

    def broadcast(self, content: bytes | None) -> bytes:
        """Return it."""
        assert content is not None
        return content
