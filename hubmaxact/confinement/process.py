"""The outer side: starts a process with strangers' code, hears it, and ends it whatever happens."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hubmaxact.confinement.messages import GarbledError, Message, read
from hubmaxact.confinement.variables import variables
from hubmaxact.errors import HubmaxactError
from hubmaxact.printable import printable

PROBE = "hubmaxact.confinement.probe"
MOST_REASON = 600  # characters of a sentence
MOST_TRACE = 20_000
PATIENCE = 10.0  # seconds for a process to end that was told to


class UnconfinedError(HubmaxactError):
    """Raised when this machine cannot keep strangers' code from the network and from files.

    Args:
        fault: What the system said.
    """

    def __init__(self, fault: str) -> None:
        super().__init__(
            "a checkpoint's own code runs only in a process without network and without your "
            f"files, and this system does not permit one ({printable(fault, MOST_REASON)}). Use "
            "Linux 5.12 or newer, and there a user, a container or a setting that permits user "
            "namespaces."
        )


class ConfinedError(HubmaxactError):
    """Raised when the process with a checkpoint's code fails, or ends without a result.

    Args:
        sentence: What it said, or what became of it.
    """

    def __init__(self, sentence: str) -> None:
        words = printable(sentence.removesuffix("."), MOST_REASON)
        super().__init__(f"the process that runs the checkpoint's own code: {words}.")


def require() -> None:
    """Refuse to begin where no such process can be had.

    Raises:
        UnconfinedError: Names what the system said.
    """
    with running(PROBE, {}) as told:
        for _ in told:
            pass


@contextmanager
def running(
    entry: str,
    job: dict[str, Any],
    *,
    reads: Sequence[Path] = (),
    copies: Sequence[Path] = (),
    most: int = 0,
) -> Iterator[Iterator[Message]]:
    """Start a process, and end it with the block.

    Args:
        entry: Module that calls `child.serve`.
        job: What it is to do, as JSON holds it.
        reads: Files and folders that it may read, beside Python's and the system's.
        copies: Folders of which it gets a copy that it may write to.
        most: Bytes that may follow one of its messages.

    Yields:
        What it tells, but for its last word. Reading raises UnconfinedError where the process could
        not be shut off, and ConfinedError where it fails, ends early or tells nonsense.
    """
    if not sys.platform.startswith("linux"):
        raise UnconfinedError(f"{sys.platform} has no namespaces")
    with tempfile.TemporaryDirectory(prefix="hubmaxact-") as root:
        asked = {"root": root, "reads": [*map(str, reads)], "copies": [*map(str, copies)]}
        process = subprocess.Popen(  # noqa: S603 our own interpreter and module
            [sys.executable, "-P", "-m", entry],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=variables(),
            cwd="/",
            start_new_session=True,  # no terminal to type into, and no Ctrl-C but ours
        )
        try:
            assert process.stdin is not None
            with suppress(BrokenPipeError), process.stdin as stdin:
                stdin.write(json.dumps(asked | {"job": job}).encode("ascii"))
            yield _told(process, most)
        finally:
            _end(process)


def _told(process: subprocess.Popen[bytes], most: int) -> Iterator[Message]:
    """Everything up to its last word."""
    assert process.stdout is not None
    try:
        while (message := read(process.stdout, most)) is not None:
            if message.kind == "done":
                return
            if message.kind == "refused":
                raise UnconfinedError(" ".join(map(str, message.values)))
            if message.kind == "error":
                raise _failure(*map(str, message.values))
            yield message
    except (GarbledError, TypeError) as error:
        raise ConfinedError("it told something that is no message") from error
    raise ConfinedError(_became(process.wait()))


def _failure(sentence: str, trace: str) -> ConfinedError:
    error = ConfinedError(sentence)
    lines = trace[:MOST_TRACE].splitlines()
    error.add_note("\n".join(printable(line, MOST_REASON) for line in lines))
    return error


def _became(code: int) -> str:
    """What the end of a process tells of itself."""
    if code in {-9, 128 + 9}:
        return "it was killed, as systems do where memory runs out. Free some, or use more"
    return f"it ended before it was done (exit code {code})"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it; what it started ends with it."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()
    assert process.stdout is not None
    process.stdout.close()
