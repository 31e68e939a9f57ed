"""Sizes and digests of weight files, made in a thread beside whatever else a run does."""

import hashlib
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.report.document import WeightFile

CHUNK = 1 << 20  # bytes read at a time, and at most before a stop is noticed


class WeightDigests:
    """Name, size and sha256 of every weight file, as the Hub's LFS knows them.

    A context manager: reading begins at its entry, and whoever leaves early waits for one chunk.

    Args:
        files: The checkpoint's.
    """

    def __init__(self, files: WeightFiles) -> None:
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
            OSError: A file cannot be read.
            CancelledError: The block was left before the last file was read.
        """
        return self._found.result()

    def _digests(self) -> list[WeightFile]:
        return [self._digest(self._files.folder, shard) for shard in self._files.shards]

    def _digest(self, folder: Path, shard: str) -> WeightFile:
        path = folder / shard
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                if self._stop.is_set():
                    raise CancelledError
                digest.update(chunk)  # other threads run meanwhile
        return WeightFile(path=shard, size=path.stat().st_size, sha256=digest.hexdigest())


def digest_weights(files: WeightFiles) -> list[WeightFile]:
    """The same at once."""
    with WeightDigests(files) as digests:
        return digests.result()
