"""Who hears how an audit goes."""


class Watcher:
    """Hears how an audit goes; the command line shows it, a library may ignore it."""

    def begin(self, total: int, size: float | None = None) -> None:
        """So many files or pieces of them will be read, from now on."""

    def step(self, size: float = 1.0) -> None:
        """One was read."""
