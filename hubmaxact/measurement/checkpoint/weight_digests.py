"""Sizes and digests of weight files, made in a thread beside whatever else a run does."""

import hashlib
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Protocol, Self

from hubmaxact.errors import IncompleteWeightsError
from hubmaxact.measurement.failures.memory import ran_out
from hubmaxact.printable import printable
from hubmaxact.report.model_block import WeightFile


class Held(Protocol):
    """Weight files of one place: a checkpoint's, or an adapter's."""

    @property
    def folder(self) -> Path:
        """Where they lie."""

    @property
    def name(self) -> str:
        """How sentences call it."""

    @property
    def shards(self) -> tuple[str, ...]:
        """Their names."""


CHUNK = 1 << 20  # bytes read at a time, and at most before a stop is noticed


class WeightDigests:
    """Name, size and sha256 of every weight file, as the Hub's LFS knows them.

    A context manager: reading begins at its entry, and whoever leaves early waits for one chunk.

    Args:
        files: The checkpoint's.
    """

    def __init__(self, files: Held) -> None:
        self._files = files
        self._stop = Event()
        self._pool = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> Self:
        """Begin."""
        self._found = self._pool.submit(self._digests)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, whatever is still unread."""
        self._stop.set()
        self._pool.shutdown()

    @property
    def ready(self) -> bool:
        """Whether `result` would not wait."""
        return self._found.done()

    def result(self) -> list[WeightFile]:
        """Wait for the files, in the order of their names.

        Returns:
            An entry for each file that is loaded.

        Raises:
            IncompleteWeightsError: A file cannot be read any more.
            CancelledError: The block was left before the last file was read.
        """
        return self._found.result()

    def _digests(self) -> list[WeightFile]:
        return [self._told(shard) for shard in self._files.shards]

    def _told(self, shard: str) -> WeightFile:
        try:
            return self._digest(shard)
        except OSError as error:
            if ran_out(error):
                raise
            raise IncompleteWeightsError(
                f"{printable(shard)} of {self._files.name} cannot be read any more, and a report "
                f"names every weight file by its digest: {error.strerror}. Measure again, and "
                "leave the checkpoint as it is meanwhile."
            ) from error

    def _digest(self, shard: str) -> WeightFile:
        digest, size = hashlib.sha256(), 0
        with (self._files.folder / shard).open("rb") as file:
            while chunk := file.read(CHUNK):
                if self._stop.is_set():
                    raise CancelledError
                digest.update(chunk)  # other threads run meanwhile
                size += len(chunk)  # of the bytes that were hashed, whatever the file is by now
        return WeightFile(path=shard, size=size, sha256=digest.hexdigest())


def digest_weights(files: Held) -> list[WeightFile]:
    """The same at once."""
    with WeightDigests(files) as digests:
        return digests.result()
