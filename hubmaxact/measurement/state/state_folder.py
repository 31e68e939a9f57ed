"""Where the states of a run lie, so that whenever it is killed, nothing is lost or counted twice.

Each process of a run has a file of its own, which is replaced whole and holds whole batches, others
than those of the other processes. Any files that hold no batch twice are a state of the run:
statistics do not ask who saw which batch.

1. A start writes under names that no other start has, so it replaces no file but its own.
2. It first puts together what it finds into one file. Until this file is on disk, those of earlier
   starts stay; then they hold nothing that it does not, and are removed.
3. So at any moment every batch that was ever saved lies in some file, and of two that hold the same
   batch the larger one holds all of the other: it is taken, and the other is left out.
4. Of a start that was killed, a process may outlive the first one and save once more when the next
   start has read the folder. That file may hold what others do again, and the smaller one of two is
   left out as a whole: time is lost, and nothing is counted twice.

At the end the files are removed in any order: what is left at any moment is still a state.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hubmaxact.files import check_place
from hubmaxact.measurement.state.about import About
from hubmaxact.measurement.state.differences import SHARE, differences, told
from hubmaxact.measurement.state.folder_lock import STATES, FolderLock
from hubmaxact.measurement.state.state_file import (
    MARK,
    KeptState,
    StateError,
    read_about,
    read_state,
    write_state,
)
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.temporary_files import PREFIX

ALL = "all"  # instead of a share
FILE = re.compile(r"state-[0-9a-f]{16}-(earlier|\d{1,6}-of-\d{1,6})\.safetensors")
TEMPORARY = re.compile(rf"{re.escape(PREFIX + MARK)}[0-9a-f]{{16}}")


class StateFolder:
    """A folder that one run keeps its states in; a context manager that keeps others out.

    Args:
        folder: The folder, which is made if need be.
        share: Which share of the plan the run takes, as in `KeptState`.
        num_processes: Of the run.
    """

    def __init__(self, folder: Path, share: str = "", num_processes: int = 1) -> None:
        self._folder, self._share, self._num_processes = folder, share, num_processes
        self._lock = FolderLock(folder)
        self._start = secrets.token_hex(8)
        self._found: frozenset[int] | None = None

    def __enter__(self) -> Self:
        """Take the folder, and remove what writes that were killed have left.

        Returns:
            This folder.

        Raises:
            StateError: Another run is at work in it, or it cannot be used.
        """
        self._lock.acquire()
        for path in self._folder.glob(f"{PREFIX}*"):
            if TEMPORARY.fullmatch(path.name):
                _remove(path)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let others in; states that were not removed stay."""
        self._lock.release()

    @property
    def shown(self) -> str:
        """Its name in sentences."""
        return printable(str(self._folder), LONGEST_PATH)

    def check_room(self, num_bytes: int) -> None:
        """Refuse, before any long work, a folder without room.

        Args:
            num_bytes: That a state has at most. While one is replaced, both lie there.

        Raises:
            WriteError: The folder is read-only, or there is no room.
        """
        check_place(self.place(), num_bytes, MARK)

    def saved(self, run: dict[str, Any]) -> list[KeptState]:
        """Return what a run goes on from: states that hold no batch twice.

        Args:
            run: What tells it from others, as JSON.

        Returns:
            States of whatever processes saved them; none at the first start.

        Raises:
            StateError: One is another run's, or damaged.
        """
        files = [(read_about(path), path) for path in self._files()]
        for about, _ in files:
            self._refuse_other(about, run)
        done, kept = set[int](), list[KeptState]()
        for about, path in sorted(files, key=lambda file: -len(file[0].done)):
            if done.isdisjoint(about.done):
                done.update(about.done)
                kept.append(read_state(path))
        self._found = frozenset(done)
        return kept

    def put_together(self, kept: KeptState) -> None:
        """Replace all that `saved` gave by one state: else each start would leave more files.

        Args:
            kept: Holds the same batches.

        Raises:
            WriteError: It cannot be written; what was saved is still there.
            ValueError: It holds other batches, so that some would be lost.
        """
        if self._found != frozenset(kept.done):
            raise ValueError("expected all that was saved, and nothing else")
        write_state(self._named("earlier"), kept)
        for path in self._files():
            if self._start not in path.name:
                _remove(path)

    def place(self, rank: int = 0) -> Path:
        """Return where a process saves what it sees itself, with `write_state`.

        Args:
            rank: Of the process; the first one tells the others where.

        Returns:
            A file that no other start of the run has.
        """
        return self._named(f"{rank}-of-{self._num_processes}")

    def remove(self) -> None:
        """Remove the states of a run that is over, of all its processes."""
        if self._found is None:
            raise ValueError("expected to know whose states are removed")
        for path in self._files():
            _remove(path)

    def _named(self, name: str) -> Path:
        return self._folder / f"state-{self._start}-{name}.safetensors"

    def _files(self) -> Iterator[Path]:
        return (path for path in sorted(self._folder.glob(STATES)) if FILE.fullmatch(path.name))

    def _refuse_other(self, about: About, run: dict[str, Any]) -> None:
        found = differences(
            {**about.run, SHARE: about.share or ALL}, {**run, SHARE: self._share or ALL}
        )
        if found:
            raise StateError(
                f"{self.shown} holds a state of another run: "
                f"{told(found)}. Name another folder, or remove this one."
            )


def _remove(path: Path) -> None:
    """What cannot be removed does no harm: a later start leaves it out."""
    with suppress(OSError):
        path.unlink()
