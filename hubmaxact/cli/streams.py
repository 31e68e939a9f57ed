"""Standard output and standard error: any letter, and no run that ends because nobody listens.

What a command says beside its result may be lost, on a full disk or behind a closed pipe, and its
result and its exit code may not.
"""

import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO, cast


class Expendable:
    """A text stream of which a line may be lost, and the run goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write what can be written."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with suppress(OSError):
            self._stream.flush()


def make_ready() -> None:
    """Let both streams take any letter, and standard error be full or closed."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A report may hold any letter; a terminal or a pipe of another encoding may not. One
            # report gives the same bytes everywhere, so Windows' own line ends are not put in.
            stream.reconfigure(errors="backslashreplace", newline="\n")
    # None where it was closed before the start; the file takes its number, which no other may.
    stream = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 to the end
    sys.stderr = cast("TextIO", Expendable(stream))


def give_up_output() -> None:
    """Leave unsaid what standard output did not take."""
    # Or the interpreter would try once more at its end, and complain in its own words.
    with suppress(AttributeError, OSError, ValueError):  # closed, or in memory
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
