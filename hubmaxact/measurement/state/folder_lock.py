"""One run at a time in a folder: a lock that the system takes back from whoever dies."""

import os
import re
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from hubmaxact.files import FULL, read_regular
from hubmaxact.measurement.state.state_file import StateError
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.temporary_files import PREFIX

NAME = f"{PREFIX}state-lock"
STATES = "state-*.safetensors"
"""What runs go on from, by the pattern of its names."""

CONTENT = re.compile(rb"process (\d{1,10}), made (\d{1,3})\n")
MOST_BYTES = 64


class FolderLock:
    """A folder that is made if need be, and as it was again once no state is left in it.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / NAME
        # No fallback: a file that only stands for a lock would outlast the run that made it.
        self._lock = FileLock(self._file, blocking=False, fallback_to_soft=False)

    def acquire(self) -> None:
        """Make the folder and keep other runs out of it.

        Raises:
            StateError: A run that is alive is at work there, or it cannot be a folder.
        """
        try:
            made = self._make()
            self._lock.acquire()
        except Timeout as error:
            holder, _ = self._said()
            by = f" (process {holder})" if holder else ""
            raise StateError(
                f"another run{by} is at work in {self._shown}. Let it finish, or name another "
                "folder."
            ) from error
        except (OSError, ValueError) as error:
            raise StateError(self._refusal(error)) from error
        # What a killed run made is still ours to remove; and a full disk is told when it matters.
        self._made = max(made, self._said()[1])
        with suppress(OSError):
            self._file.write_bytes(b"process %d, made %d\n" % (os.getpid(), self._made))

    def release(self) -> None:
        """Let others in; where no run is to go on, only what others put there is left."""
        inside = (self._folder, *self._folder.glob("*/"))  # a folder of a run's own may lie there
        if any(path for folder in inside for path in folder.glob(STATES)):
            self._lock.release()
            return
        # While it is held: who waits for the lock of a file that is gone takes a new one. Windows
        # keeps an open file.
        with suppress(OSError):
            self._file.unlink()
            for folder in (self._folder, *self._folder.parents)[: self._made]:
                folder.rmdir()
        self._lock.release()

    def _make(self) -> int:
        """Make the folder and those above it; how many there were not."""
        above = (self._folder, *self._folder.parents)
        missing = [folder for folder in above if not os.path.lexists(folder)]
        self._folder.mkdir(parents=True, exist_ok=True)
        return len(missing)

    def _said(self) -> tuple[int, int]:
        """Which process holds or held the lock, and how many folders were made for it."""
        with suppress(OSError):
            if said := CONTENT.fullmatch(read_regular(self._file, MOST_BYTES)):
                return int(said[1]), int(said[2])
        return 0, 0

    def _refusal(self, error: OSError | ValueError) -> str:
        reason = getattr(error, "strerror", None) or "it is no path"
        if isinstance(error, FileExistsError | NotADirectoryError):
            reason = "it is no folder"
        advice = "Free some space, or name" if getattr(error, "errno", None) in FULL else "Name"
        return f"cannot keep a state in {self._shown}: {reason}. {advice} another folder."

    @property
    def _shown(self) -> str:
        return printable(str(self._folder), LONGEST_PATH)
